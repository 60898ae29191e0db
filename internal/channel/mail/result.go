package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"regexp"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/fault"
)

// failure is why a message was not handed in.
type failure struct {
	step         string     // what was being done, in the protocol's word
	reason       fault.Code // when the error tells nothing more precise
	err          error
	aboutMessage bool // a refusal here is of this message, not of the hub
	settings     bool // a refusal here is of the hub's own settings
}

var errNoUTF8 = errors.New("an address has letters beyond ASCII and the server does not take them")

func about(step string, err error) *failure {
	return &failure{step: step, reason: fault.ConnectionReset, err: err, aboutMessage: true}
}

// reply returns the server's answer, or nil when none came.
func (f *failure) reply() *textproto.Error {
	var reply *textproto.Error
	errors.As(f.err, &reply)
	return reply
}

func (f *failure) isReply() bool { return f.reply() != nil || errors.Is(f.err, errNoUTF8) }

func (f *failure) permanent() bool {
	reply := f.reply()
	return reply != nil && reply.Code >= 500
}

const maxReplyBody = 4 << 10 // bytes of the server's text that are kept

// result classifies: a permanent refusal of the message rejects it, everything else is tried again.
func (f *failure) result(ctx context.Context) channel.Result {
	if errors.Is(f.err, errNoUTF8) {
		return channel.Result{Class: channel.Rejected, Reason: string(fault.InvalidMessage), Detail: f.err.Error()}
	}
	reply := f.reply()
	if reply == nil {
		reason := f.noAnswer(ctx)
		return channel.Result{Class: channel.Retry, Reason: string(reason), Detail: f.step + ": " + fault.Lookup(reason).Title}
	}
	result := channel.Result{
		Class:  channel.Retry,
		Status: reply.Code,
		Detail: fmt.Sprintf("%s: %d%s", f.step, reply.Code, enhanced(reply.Msg)),
		Body:   []byte(reply.Msg[:min(len(reply.Msg), maxReplyBody)]),
	}
	if f.aboutMessage && f.permanent() {
		result.Class = channel.Rejected
	}
	if f.settings {
		result.Reason = string(fault.SenderConfig)
	}
	return result
}

// noAnswer names what kept the server's answer away.
func (f *failure) noAnswer(ctx context.Context) fault.Code {
	var timeout net.Error
	var dns *net.DNSError
	var protocol textproto.ProtocolError
	switch {
	case ctx.Err() != nil, errors.Is(f.err, os.ErrDeadlineExceeded), errors.As(f.err, &timeout) && timeout.Timeout():
		return fault.SendTimeout
	case fault.Has(f.err, fault.AddressRefused):
		return fault.AddressRefused
	case errors.As(f.err, &dns):
		return fault.DNSFailed
	case errors.As(f.err, &protocol):
		return fault.BadAnswer
	}
	return f.reason
}

var enhancedStatus = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}`)

// enhanced returns the enhanced status code of a reply (RFC 2034) with a space before it, or nothing.
func enhanced(text string) string {
	if code := enhancedStatus.FindString(text); code != "" {
		return " " + code
	}
	return ""
}
