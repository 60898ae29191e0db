package session

import (
	"net/http"
	"slices"

	"golang.org/x/text/language"

	"github.com/varselhub/varsel/internal/fault"
)

// words are what the pages say in one language.
type words struct {
	Code, Name string // of the language
	SignIn     string
	Account    string
	Password   string
	Or         string
	With       string // before a provider's title
	Out        string // one has signed out
	SignOut    string
	Back       string
	Languages  string
	Problems   map[fault.Code][2]string // what happened, and what to do next
}

// languages are those the pages are in; the first is for everyone else.
var languages = []words{
	{
		Code: "en", Name: "English", SignIn: "Sign in", Account: "Account", Password: "Password", Or: "or", With: "Sign in with",
		Out: "You are signed out.", SignOut: "Sign out",
		Back: "To the sign-in page", Languages: "Languages",
	},
	{
		Code: "da", Name: "Dansk", SignIn: "Log ind", Account: "Konto", Password: "Adgangskode", Or: "eller", With: "Log ind med",
		Out: "Du er logget ud.", SignOut: "Log ud",
		Back: "Til login-siden", Languages: "Sprog",
		Problems: map[fault.Code][2]string{
			fault.SignInRefused:       {"Konto og adgangskode passer ikke", "Prøv igen, eller bed operatøren om en ny adgangskode."},
			fault.SignedOut:           {"Du er ikke logget ind", "Log ind, og send formularen igen."},
			fault.SignInLost:          {"Dette login blev ikke begyndt i denne browser, eller for længe siden", "Begynd forfra på login-siden, og tillad cookies."},
			fault.ProviderRefused:     {"Udbyderen har ikke logget dig ind", "Begynd forfra. Bliver det ved, så spørg operatøren, om du må bruge Varsel."},
			fault.ProviderUnreachable: {"Udbyderen kan ikke nås", "Prøv igen om et minut."},
			fault.RateLimited:         {"For mange forsøg", "Vent lidt, og prøv igen."},
			fault.Forbidden:           {"Det må du ikke", "Bed operatøren om den rolle, der må."},
			fault.NotFound:            {"Her er ikke noget", "Kontrollér adressen."},
			fault.CrossOrigin:         {"En side på et andet websted har sendt dette", "Gå til siden her, og gør det derfra."},
		},
	},
	{
		Code: "fr", Name: "Français", SignIn: "Se connecter", Account: "Compte", Password: "Mot de passe", Or: "ou", With: "Se connecter avec",
		Out: "Vous êtes déconnecté.", SignOut: "Se déconnecter",
		Back: "Vers la page de connexion", Languages: "Langues",
		Problems: map[fault.Code][2]string{
			fault.SignInRefused:       {"Le compte et le mot de passe ne correspondent pas", "Réessayez, ou demandez un nouveau mot de passe à l’opérateur."},
			fault.SignedOut:           {"Vous n’êtes pas connecté", "Connectez-vous, puis renvoyez le formulaire."},
			fault.SignInLost:          {"Cette connexion n’a pas été commencée dans ce navigateur, ou il y a trop longtemps", "Recommencez depuis la page de connexion et autorisez les cookies."},
			fault.ProviderRefused:     {"Le fournisseur ne vous a pas connecté", "Recommencez. Si cela persiste, demandez à l’opérateur si vous pouvez utiliser Varsel."},
			fault.ProviderUnreachable: {"Le fournisseur est injoignable", "Réessayez dans une minute."},
			fault.RateLimited:         {"Trop de tentatives", "Attendez un peu, puis réessayez."},
			fault.Forbidden:           {"Vous n’y êtes pas autorisé", "Demandez à l’opérateur le rôle qui le permet."},
			fault.NotFound:            {"Il n’y a rien ici", "Vérifiez l’adresse."},
			fault.CrossOrigin:         {"Une page d’un autre site a envoyé ceci", "Allez à la page d’ici et recommencez."},
		},
	},
	{
		Code: "pl", Name: "Polski", SignIn: "Zaloguj się", Account: "Konto", Password: "Hasło", Or: "lub", With: "Zaloguj się przez",
		Out: "Wylogowano.", SignOut: "Wyloguj się",
		Back: "Do strony logowania", Languages: "Języki",
		Problems: map[fault.Code][2]string{
			fault.SignInRefused:       {"Konto i hasło nie pasują do siebie", "Spróbuj ponownie albo poproś operatora o nowe hasło."},
			fault.SignedOut:           {"Nie jesteś zalogowany", "Zaloguj się i wyślij formularz ponownie."},
			fault.SignInLost:          {"Tego logowania nie rozpoczęto w tej przeglądarce albo było to zbyt dawno", "Zacznij od nowa na stronie logowania i zezwól na pliki cookie."},
			fault.ProviderRefused:     {"Dostawca nie zalogował Cię", "Zacznij od nowa. Jeśli to się powtarza, zapytaj operatora, czy możesz używać Varsela."},
			fault.ProviderUnreachable: {"Dostawca jest nieosiągalny", "Spróbuj ponownie za minutę."},
			fault.RateLimited:         {"Zbyt wiele prób", "Poczekaj chwilę i spróbuj ponownie."},
			fault.Forbidden:           {"Nie możesz tego zrobić", "Poproś operatora o rolę, która na to pozwala."},
			fault.NotFound:            {"Nic tu nie ma", "Sprawdź adres."},
			fault.CrossOrigin:         {"Wysłała to strona z innej witryny", "Przejdź na stronę tutaj i zrób to z niej."},
		},
	},
}

// matcher finds the language that is nearest to what somebody reads.
func matcher() language.Matcher {
	tags := make([]language.Tag, len(languages))
	for i := range languages {
		tags[i] = language.Make(languages[i].Code)
	}
	return language.NewMatcher(tags)
}

// languageCookie is where a browser keeps the language that was chosen, here or on the pages that one comes to. It says
// nothing of who chose it.
const languageCookie = "varsel-language"

// remember has the browser keep the language that is asked for, so that the pages after this one are in it too.
func remember(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query().Get("lang")
	if slices.ContainsFunc(languages, func(l words) bool { return l.Code == asked }) {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: asked, Path: homePath, MaxAge: 365 * 24 * 60 * 60, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
}

// spoken chooses the language: the one that is asked for by lang, the one that was chosen before, or else the browser's.
func (s *Sessions) spoken(r *http.Request) *words {
	asked := r.URL.Query().Get("lang")
	if c, err := r.Cookie(languageCookie); err == nil && asked == "" {
		asked = c.Value
	}
	if r.PostForm.Has("lang") { // only where the form has been read
		asked = r.PostForm.Get("lang")
	}
	_, i := language.MatchStrings(s.matcher, asked, r.Header.Get("Accept-Language"))
	return &languages[i]
}

// translate says a problem in the language; what has no words of its own stays as the catalogue has it.
func (l *words) translate(p *problem) {
	if said, ok := l.Problems[p.Code]; ok {
		p.Title, p.Mend = said[0], said[1]
	}
}
