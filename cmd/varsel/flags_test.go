package main

import "testing"

// A setting that is a URL is taken as a flag, and refused with words where it is none.
func TestURLsAreFlags(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--public-url", "--traces", "--egress-proxy", "--store", "--node-url"} {
		varsel("", "config", "show", flag, "no url").want(t, 2, "is not an absolute URL")
	}
	varsel("", "config", "show", "--store", "postgres://varsel@db.example/hub", "--public-url", "https://hub.example", "--node-url", "https://10.0.0.5:8443").
		want(t, 0, "postgres://varsel@db.example/hub", "https://hub.example", "https://10.0.0.5:8443")
	varsel("", "config", "show", "--store", "postgres://varsel@one.example:5432,[::1]:5433/hub?target_session_attrs=read-write").
		want(t, 0, "postgres://varsel@one.example:5432,[::1]:5433/hub?target_session_attrs=read-write")
	varsel("", "config", "show", "--store", "postgres://varsel:secret@db.example/hub").want(t, 2, "put it in a file")
}
