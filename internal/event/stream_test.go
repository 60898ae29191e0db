package event

import "testing"

func stream() *Stream {
	return &Stream{Kind: Kafka, Broker: Broker{Servers: []string{"broker.example:9093"}}, Name: "orders"}
}

// S42: a source's stream is said whole and right, or not at all.
func TestS42StreamsAreChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Stream)
		want   string
	}{
		"fine": {func(*Stream) {}, ""},
		"nats, everything": {func(s *Stream) {
			*s = Stream{
				Kind: NATS, Name: "ORDERS", Filter: "orders.*.>", Start: StartNew, Generation: 2, Form: FormJSON, SubjectIsKey: true, MostAside: 10,
				JSON:   &Plain{Type: "order", DataSchema: "urn:example:order:v2", ID: "/id", Time: "/at"},
				Broker: Broker{Servers: []string{"[::1]:4222"}, CABundle: "ca", CertFile: "c", KeyFile: "k", CredentialsFile: "f"},
			}
		}, ""},
		"nothing":        {func(s *Stream) { *s = Stream{} }, "/kind enum; /broker/servers required; /name stream-name"},
		"another broker": {func(s *Stream) { s.Kind = "rabbit" }, "/kind enum"},
		"no port":        {func(s *Stream) { s.Broker.Servers = []string{"broker.example"} }, "/broker/servers/0 server"},
		"a path":         {func(s *Stream) { s.Broker.Servers = []string{"a b:1"} }, "/broker/servers/0 server"},
		"a dot in nats":  {func(s *Stream) { s.Kind, s.Name = NATS, "a.b" }, "/name stream-name"},
		"a filter":       {func(s *Stream) { s.Filter = "a" }, "/filter kind"},
		"a bad filter":   {func(s *Stream) { s.Kind, s.Filter = NATS, "a..b" }, "/filter subject"},
		"another start":  {func(s *Stream) { s.Start = "middle" }, "/start enum"},
		"ranges":         {func(s *Stream) { s.Generation, s.MostAside = -1, 10_001 }, "/generation range; /mostAside range"},
		"another form":   {func(s *Stream) { s.Form = "avro" }, "/form enum"},
		"json unsaid":    {func(s *Stream) { s.Form = FormJSON }, "/json form"},
		"json unasked":   {func(s *Stream) { s.JSON = &Plain{Type: "t"} }, "/json form"},
		"json wrong": {func(s *Stream) {
			s.Form, s.JSON = FormJSON, &Plain{Type: "a b", DataSchema: "v1", ID: "id", Time: "/~"}
		},
			"/json/type type-name; /json/id json-pointer; /json/time json-pointer; /json/dataSchema uri"},
		"half a login":        {func(s *Stream) { s.Broker.User = "u" }, "/broker/user required"},
		"a password in clear": {func(s *Stream) { s.Broker.User, s.Broker.PasswordFile, s.Broker.PlainText = "u", "f", true }, "/broker/plainText tls"},
		"half a certificate":  {func(s *Stream) { s.Broker.CertFile = "c" }, "/broker/certFile required"},
		"TLS and not":         {func(s *Stream) { s.Broker.CABundle, s.Broker.PlainText = "c", true }, "/broker/plainText tls"},
		"another mechanism":   {func(s *Stream) { s.Broker.Mechanism = "md5" }, "/broker/mechanism enum"},
		"creds for kafka":     {func(s *Stream) { s.Broker.CredentialsFile = "f" }, "/broker/mechanism kind"},
	} {
		s := stream()
		tc.change(s)
		var c checks
		c.stream(s)
		if got := rules(c.found); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// Places of one stream mean nothing in another.
func TestStreamsHaveIdentity(t *testing.T) {
	t.Parallel()
	a, b, c := stream(), stream(), stream()
	b.Generation, c.Name = 1, "others"
	if a.ID() != "kafka:orders" || b.ID() != "kafka:orders/1" || c.ID() == a.ID() {
		t.Error(a.ID(), b.ID(), c.ID())
	}
}
