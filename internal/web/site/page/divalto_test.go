package page

import (
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// divalto is the site of the seed's guide: 15 services of CRM and 22 of ERP (D12, D13), with what they are and what people
// lose without them (D11), the five states as it calls and colours them (D10), in French and, but for the texts, in English.
func divalto() *statustest.World {
	w := &statustest.World{Changes: map[string][]*status.Change{}, Site: status.Site{
		Name: "divalto", ID: statustest.ID("page", 9), Title: status.Text{"fr": "Statut des services", "en": "Status of services"},
		Description: status.Text{"fr": "L’état des services CRM et ERP de la plateforme."}, Zone: "Europe/Paris", Languages: []string{"fr", "en"}, Environment: "FR",
		Theme: status.Theme{Accent: "#d5121e", States: map[status.State]status.Look{
			status.Degraded:      {Light: "#b45309", Dark: "#fdba74", Symbol: "minus"},
			status.PartialOutage: {Light: "#b91c1c", Dark: "#f87171", Symbol: "triangle"},
			status.MajorOutage:   {Light: "#111111", Dark: "#f5f5f5", Symbol: "cross"},
		}},
		Sections: []status.Section{
			{Name: "weavy", Title: status.Text{"fr": "weavy (CRM)"}, Description: status.Text{"fr": "La relation client", "en": "Customer relations"}},
			{Name: "infinity", Title: status.Text{"fr": "infinity (ERP)"}, Description: status.Text{"fr": "La gestion de l’entreprise", "en": "Running a company"}},
		},
	}}
	n := 0
	for at, services := range [][][5]string{crm, erp} {
		for _, one := range services {
			n++
			c := status.Component{
				ID: statustest.ID("serv", n), Symbol: one[0], Title: status.Text{"fr": one[1], "en": one[2]}, Description: status.Text{"fr": one[3]}, Impact: status.Text{"fr": one[4]},
				Created: statustest.Ago(200 * 24 * time.Hour), Updated: statustest.Ago(200 * 24 * time.Hour),
			}
			w.Site.Sections[at].Components = append(w.Site.Sections[at].Components, c)
			w.Set(c.ID, status.Operational, statustest.Ago(100*24*time.Hour), nil, status.ByHand, "")
			if n%5 == 0 { // some had their days
				from := statustest.Ago(time.Duration(n*50) * time.Hour)
				w.Set(c.ID, status.States[n%4+1], from, nil, status.ByMonitor, "")
				w.Set(c.ID, status.Operational, from.Add(time.Duration(n*20)*time.Minute), nil, status.ByMonitor, "")
			}
		}
	}
	return w
}

// Each is its symbol, its name in French and English, what it is, and what people lose.
var crm = [][5]string{
	{"web", "Back Office", "Back Office", "Représente l’interface utilisateur CRM.", "Les utilisateurs ne peuvent plus interagir avec la CRM directement"},
	{"network", "Control Center", "Control Center", "Passerelle reliant l’ERP et la CRM pour l’envoi et la réception de données entre les plateformes.", "Aucun flux de donnée extra CRM et intra ERP"},
	{"server", "Service Backend", "Backend service", "Services de traitement en arrière-plan.", "Retards ou échecs dans le traitement des données"},
	{"api", "Mise à jour de données via API", "Data updates by API", "Interface de programmation pour la mise à jour des données.", "Les intégrations externes peuvent échouer ou être retardées"},
	{"phone", "Synchronisation mobiles", "Mobile synchronisation", "Synchronisation des données avec les appareils mobiles.", "Les données peuvent prendre plus de temps sur la base de données, ou ne pas être envoyées"},
	{"tool", "Interface studio", "Studio", "Interface de développement pour personnaliser les solutions CRM et de gestion administrative.", "Problèmes de personnalisation et de développement des applications ainsi que d’administration des services et utilisateurs."},
	{"database", "Bases de données de production", "Production databases", "Stockage des données en environnement de production.", "Perturbations majeures des opérations quotidiennes."},
	{"database", "Bases de données hors production", "Other databases", "Stockage des données en environnement de test ou de développement.", "Perturbations des tests et du développement"},
	{"network", "Accès réseau", "Network access", "Connectivité réseau pour accéder aux services.", "Accès limité ou indisponible aux services CRM"},
	{"clock", "Traitements planifiés (Alert)", "Scheduled jobs (Alert)", "Exécution de tâches planifiées.", "Les alertes et tâches planifiées peuvent ne pas s’exécuter"},
	{"clock", "Déclencheurs (Event)", "Triggers (Event)", "Automatisation basée sur des événements.", "Les processus automatisés peuvent échouer"},
	{"file", "Gestionnaire de fichiers", "File manager", "Stockage et gestion des fichiers.", "Difficultés à accéder ou à gérer les fichiers"},
	{"mail", "Notification e-mail", "E-mail notification", "Envoi d’e-mails de notification.", "Les utilisateurs ne reçoivent pas tout ou partie des notifications"},
	{"api", "Service OData", "OData service", "Accès aux données via le protocole OData.", "Problèmes d’accès aux données pour les applications utilisant OData."},
	{"search", "Recherche globale", "Global search", "Fonctionnalité de recherche dans l’ensemble du système CRM.", "Difficultés à trouver des informations rapidement."},
}

var erp = [][5]string{
	{"web", "Accès client (Interface Web)", "Client access (web)", "Interface utilisateur via le client web.", "Les utilisateurs n’accèdent pas à l’ERP via le client web (navigateur)"},
	{"people", "Accès client (Divalto Client)", "Client access (Divalto Client)", "Accès client via le client léger.", "Les utilisateurs n’accèdent pas à l’ERP via l’application installée localement sur l’ordinateur du client (client WPF)"},
	{"network", "Accès client (Telnet)", "Client access (Telnet)", "Accès via le protocole Telnet.", "Les fonctionnalités Telnet sont perturbées ou non fonctionnelles (terminaux mobiles caractères)"},
	{"lock", "Authentification utilisateur", "Sign-in", "Gestion de l’authentification des utilisateurs.", "Les utilisateurs voient leur demande de connexion refusée."},
	{"clock", "Traitements planifiés", "Scheduled jobs", "Exécution de tâches planifiées.", "Les services diva automatisés (processus/traitements autonomes) sont perturbés ou inopérants"},
	{"api", "Web services SOAP", "SOAP web services", "Services web basés sur SOAP.", "Problèmes de communication entre systèmes utilisant SOAP."},
	{"api", "Web services REST", "REST web services", "Services web basés sur REST.", "Problèmes de communication pour les appelants externes vers l’ERP utilisant un appel de service web en protocole REST"},
	{"api", "Service OData", "OData service", "Accès aux données via le protocole OData.", "Problèmes d’accès aux données pour les applications utilisant OData."},
	{"network", "Interface CRM - ControlCenter", "CRM interface – Control Center", "Interface à distance pour la gestion du service de passerelle entre la CRM et l’ERP.", "Aucune flux de donnée extra CRM et intra ERP"},
	{"people", "Interface CRM - Agent", "CRM interface – Agent", "Interface utilisateur pour les agents CRM.", "Difficultés pour les agents CRM à effectuer leurs tâches."},
	{"database", "Bases de données de production", "Production databases", "Stockage des données en environnement de production.", "Perturbations majeures des opérations quotidiennes sur les environnement de production."},
	{"file", "Stockage de fichiers", "File storage", "Stockage des fichiers liés à l’ERP.", "Difficultés à accéder ou à gérer les fichiers propres à l’ERP."},
	{"file", "Transfert de fichiers", "File transfer", "Transfert de fichiers entre systèmes distants et serveur.", "Échecs ou retards dans les transferts de fichiers par FTP."},
	{"key", "Interface DLMT", "DLMT", "Système d’administration des licences et autorisation des utilisateurs ERP.", "Impossibilité de lancer DLMT et donc de gérer les profils, licence et autorisation des utilisateurs."},
	{"report", "Portail Reporting Services", "Reporting Services portal", "Portail pour la génération et l’affichage de rapports BI.", "Difficultés à générer ou accéder aux rapports BI."},
	{"database", "Base analyse de données", "Analysis database", "Stockage et analyse des données.", "Problèmes de réplication ou d’accès au bases BI."},
	{"key", "Gestionnaire de licence", "Licence manager", "Gestion des licences des logiciels.", "Problèmes d’activation ou de gestion des licences."},
	{"database", "Bases de données hors production", "Other databases", "Stockage des données en environnement de test ou de développement.", "Perturbations des environnements de tests et du développement."},
	{"search", "Indexation des données", "Indexing", "Indexation pour une recherche rapide Power Search.", "Problèmes de performance dans la recherche de données ou indisponibilité de Powersearch."},
	{"tool", "Outils d’administration", "Administration tools", "Passerelle d’accès aux outils pour administrer le système ERP.", "Problèmes de gestion administrative du système ERP."},
	{"lock", "Accès réseau privé VPN Galerie", "VPN Galerie", "Connectivité via VPN privé.", "Accès limité ou indisponible via le VPN."},
	{"cloud", "One", "One", "Fonctionnalité lié a One", "Ralentissement ou accès impossible au projet divalto One"},
}
