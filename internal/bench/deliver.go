package bench

import (
	"context"
	"crypto/tls"
	"runtime/pprof"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/signature"
)

// deliver measures what publishers in this process get delivered to so many subscriptions.
func deliver(subscriptions int) func(context.Context, *run, *Figure) error {
	return func(ctx context.Context, r *run, f *Figure) error {
		if err := r.startReceiver(nil); err != nil {
			return err
		}
		h, err := r.newHub(ctx, world{subscriptions: subscriptions, systems: subscriptions, types: 1}, lag)
		if err != nil {
			return err
		}
		return r.beside(ctx, f, nil, h.publish)
	}
}

// deliverTLS is the same over TLS, where both sides show certificates.
func deliverTLS(ctx context.Context, r *run, f *Figure) error {
	secure, err := newIdentity(r.dir)
	if err != nil {
		return err
	}
	if err := r.startReceiver(secure); err != nil {
		return err
	}
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1, secure: secure}, lag)
	if err != nil {
		return err
	}
	return r.beside(ctx, f, secure, h.publish)
}

// beside takes turns: the bare loop, the loop with the channel's client, the hub.
func (r *run) beside(ctx context.Context, f *Figure, secure *identity, work func(context.Context) error) error {
	bare, client, err := r.loops(secure)
	if err != nil {
		return err
	}
	defer bare.close()
	defer client.close()
	var rs rounds
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		for _, side := range []struct {
			work    func(context.Context) error
			speeds  *[]speed
			profile bool
		}{{bare.run, &rs.ceiling, false}, {client.run, &rs.second, false}, {work, &rs.hub, n == 0}} {
			stop := r.profile(side.profile)
			s, err := r.turn(ctx, r.Size.Window, side.work)
			stop()
			if err != nil {
				return err
			}
			*side.speeds = append(*side.speeds, s)
		}
	}
	rs.summarise(f)
	return nil
}

// profile begins a CPU profile if one is wanted and returns what ends it.
func (r *run) profile(wanted bool) (stop func()) {
	if !wanted || r.Profile == nil || pprof.StartCPUProfile(r.Profile) != nil {
		return func() {}
	}
	return pprof.StopCPUProfile
}

// loops opens the two loops that the hub is measured beside.
func (r *run) loops(secure *identity) (bare, client *loop, err error) {
	scheme := "http"
	var config *tls.Config
	var certificates *exchange.Identity
	if secure != nil {
		scheme = "https"
		if config, err = secure.client(); err != nil {
			return nil, nil, err
		}
		certificates = exchange.NewIdentity(exchange.Files{Certificate: secure.Certificate, Key: secure.Key, CA: secure.Certificate}, clock.System{})
	}
	secret, body := signature.NewSecret(), sample(r.Size)
	bare, err = bareLoop(r.addr, receiverPath(0), config, secret, body, r.Size.InFlight)
	if err != nil {
		return nil, nil, err
	}
	client, err = senderLoop(scheme+"://"+r.addr+receiverPath(0), certificates, secret, body, r.Size.InFlight)
	if err != nil {
		bare.close()
		return nil, nil, err
	}
	return bare, client, nil
}
