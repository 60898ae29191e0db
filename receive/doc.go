// Package receive is the receiving end of a Varsel hub: an [http.Handler] that verifies, decodes and de-duplicates
// messages, hands each to one function, and answers so that the hub does the right thing.
//
//	handler, err := receive.New(func(ctx context.Context, m *receive.Message) error {
//		return archive.Keep(ctx, m.Type, m.Data)
//	}, receive.Options{Keys: []string{os.Getenv("VARSEL_SECRET")}})
//
// The hub delivers at least once and in order: a message of one key comes only after the one before it was answered
// with success, and every repeat carries the same id. What is left for a receiver is to make a repeat harmless, which
// [Store] does, and to answer success only when the effect is safe. So the function is called first and the answer is
// written when it has returned:
//
//	returned       answer             profile standard                 profile star
//	nil            204                delivered                        delivered
//	RetryAfter     503, Retry-After   again after that time            again after that time
//	Reject         422 and why        again; parked after 72 h         parked, its lane held
//	Gone           410                subscription deactivated         parked
//	anything else  500                again: 1 s, 3 s, 7 s … 3 h       again: 1 s, 3 s, 7 s … 3 h
//
// Answer within 20 seconds; work that takes longer belongs behind a queue of the receiver's own, with success answered
// when the message is safely in it.
//
// # What a signature covers
//
// A Standard Webhooks signature covers id, time and body, not the other headers: whether a message is a replay or a
// test, and in CloudEvents' binary mode its type and source, are as trustworthy as the connection. Messages come over
// TLS, which is enough against everyone on the way; where the sender is known by a signature alone, prefer the
// structured mode.
//
// Those who have a framework of their own in the way of a Handler find its parts in [Verifier], [Decode], [Store] and
// [Answer].
package receive
