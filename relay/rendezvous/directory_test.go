package rendezvous

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	p2p "github.com/libp2p/go-libp2p/core/peer"
)

var discard = slog.New(slog.DiscardHandler)

func testSource(n byte) netip.Addr { return netip.AddrFrom4([4]byte{11, 0, 0, n}) }

// book is a directory with a clock that stands still unless told.
type book struct {
	t testing.TB
	*directory
	now time.Time
}

func newBook(t testing.TB, l Limits) *book {
	return &book{t, newDirectory(l, [32]byte{1}, nil), time.UnixMilli(1_800_000_000_123)}
}

func (b *book) caller(n byte) caller {
	return caller{peer: testPeer(n), source: sourceOf(testSource(n))}
}

func (b *book) register(n byte, number string, lease []byte) ([]byte, error) {
	l, _, err := b.directory.register(b.now, b.caller(n), number, lease)
	return l, err
}

func (b *book) mustRegister(n byte, number string, lease []byte) []byte {
	b.t.Helper()
	l, err := b.register(n, number, lease)
	if err != nil {
		b.t.Fatalf("register %s for %d: %v", number, n, err)
	}
	return l
}

func (b *book) lookup(from byte, number string) (p2p.ID, error) {
	return b.directory.lookup(b.now, b.caller(from), number)
}

func (b *book) pass(d time.Duration) { b.now = b.now.Add(d) }

func (b *book) restart() { b.directory = newDirectory(b.limits, b.leaseKey, nil) }

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

func wantWait(t testing.TB, err error, want time.Duration) {
	t.Helper()
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Wait != want {
		t.Fatalf("%v, want a wait of %s", err, want)
	}
}

func TestNumberLife(t *testing.T) {
	b := newBook(t, Limits{})
	lease := b.mustRegister(1, "48291", nil)
	_, err := b.register(2, "48291", nil)
	wantErr(t, err, ErrTaken)
	_, err = b.register(2, "48291", lease) // somebody else's lease
	wantErr(t, err, ErrTaken)
	if id, err := b.lookup(3, "48291"); err != nil || id != testPeer(1) {
		t.Fatalf("%q, %v", id, err)
	}
	b.pass(LeaseTime - time.Second)
	b.mustRegister(1, "48291", nil) // renewed
	b.pass(LeaseTime - time.Second)
	if !b.live(b.now, testPeer(1)) {
		t.Fatal("dead in spite of a renewal")
	}
	b.pass(time.Second)
	if b.live(b.now, testPeer(1)) {
		t.Fatal("lives longer than its lease")
	}
	_, err = b.lookup(3, "48291")
	wantErr(t, err, ErrUnknown)
	b.pass(HoldTime - time.Second)
	_, err = b.register(2, "48291", nil)
	wantErr(t, err, ErrTaken)
	b.pass(time.Second)
	b.mustRegister(2, "48291", nil)
}

func TestLastHolderGetsItBack(t *testing.T) {
	b := newBook(t, Limits{})
	b.mustRegister(1, "48291", nil)
	b.pass(3 * LeaseTime) // a laptop that slept
	b.mustRegister(1, "48291", nil)
	if !b.release(b.now, testPeer(1), "48291") || b.release(b.now, testPeer(1), "48291") {
		t.Error("release")
	}
	_, err := b.register(2, "48291", nil)
	wantErr(t, err, ErrTaken)
}

func TestOneNumberPerPeer(t *testing.T) {
	b := newBook(t, Limits{})
	b.mustRegister(1, "11111", nil)
	b.mustRegister(1, "22222", nil)
	if _, err := b.lookup(3, "11111"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the old number: %v", err)
	}
	if live, _ := b.count(b.now); live != 1 {
		t.Errorf("%d live", live)
	}
	if b.release(b.now, testPeer(1), "11111") {
		t.Error("a late RELEASE of the old number ended the new one")
	}
	_, err := b.register(2, "11111", nil)
	wantErr(t, err, ErrTaken)
}

// TestRestart: see the package comment. The holder gets its number back, whether or
// not a stranger was quicker; nobody else can use the lease.
func TestRestart(t *testing.T) {
	b := newBook(t, Limits{})
	lease := b.mustRegister(1, "48291", nil)
	b.pass(time.Minute)
	lease = b.mustRegister(1, "48291", lease)
	b.restart()
	_, err := b.register(2, "48291", append([]byte(nil), lease...))
	if err != nil {
		t.Fatal("a fresh relay refuses a proposal it cannot know better about")
	}
	b.pass(time.Second)
	b.mustRegister(1, "48291", lease)
	if id, err := b.lookup(3, "48291"); err != nil || id != testPeer(1) {
		t.Fatalf("the number leads to %q, %v", id, err)
	}
	if b.live(b.now, testPeer(2)) {
		t.Error("the stranger still has a number")
	}
	_, err = b.register(2, "48291", nil)
	wantErr(t, err, ErrTaken)
}

func TestRestartLosersLease(t *testing.T) {
	b := newBook(t, Limits{})
	first := b.mustRegister(1, "48291", nil)
	b.restart()
	b.pass(time.Second)
	second := b.mustRegister(2, "48291", nil)
	b.mustRegister(1, "48291", first)
	_, err := b.register(2, "48291", second)
	wantErr(t, err, ErrTaken) // a true lease, but a younger one
}

func TestExpiredLeaseIsNoClaim(t *testing.T) {
	b := newBook(t, Limits{})
	first := b.mustRegister(1, "48291", nil)
	b.restart()
	b.pass(LeaseTime)
	b.mustRegister(2, "48291", nil)
	_, err := b.register(1, "48291", first)
	wantErr(t, err, ErrTaken)
}

func TestDigits(t *testing.T) {
	for _, row := range []struct{ live, want int }{
		{0, 5}, {1, 5}, {99, 5}, {100, 6}, {999, 6}, {1000, 7}, {1 << 40, 12},
	} {
		if got := digits(row.live); got != row.want {
			t.Errorf("%d live: %d digits, want %d", row.live, got, row.want)
		}
	}
	b := newBook(t, Unlimited)
	for i := range 100 {
		b.mustRegister(byte(i), fmt.Sprint(10000+i), nil)
	}
	var more *digitsError
	if _, err := b.register(200, "99999", nil); !errors.As(err, &more) || more.digits != 6 {
		t.Errorf("%v", err)
	}
	b.mustRegister(200, "999999", nil)
	b.mustRegister(7, "10007", nil) // a renewal keeps its five
}

func TestRegistrationLimits(t *testing.T) {
	b := newBook(t, Limits{Live: 12})
	near := func(n byte) caller { return caller{peer: testPeer(n), source: sourceOf(testSource(1))} }
	put := func(c caller, n int) error {
		_, _, err := b.directory.register(b.now, c, fmt.Sprint(10000+n), nil)
		return err
	}
	for i := range 8 {
		if err := put(near(byte(i)), i); err != nil {
			t.Fatal(err)
		}
	}
	wantWait(t, put(near(8), 8), time.Minute)
	if err := put(near(7), 77); err != nil {
		t.Fatalf("a new number for one of the eight: %v", err)
	}
	trusted := near(9)
	trusted.trusted = true
	if err := put(trusted, 9); err != nil {
		t.Fatalf("a trusted source: %v", err)
	}
	for i := range byte(3) {
		b.mustRegister(20+i, fmt.Sprint(20000+int(i)), nil)
	}
	_, err := b.register(30, "30000", nil)
	wantWait(t, err, time.Minute)
	b.pass(LeaseTime)
	b.mustRegister(30, "30000", nil)
}

// TestGoneGiveWay: hosts that crashed do not fill a relay for ten minutes, and come
// back by their lease.
func TestGoneGiveWay(t *testing.T) {
	b := newBook(t, Limits{Live: 2})
	gone := map[p2p.ID]bool{testPeer(1): true}
	b.connected = func(p p2p.ID) bool { return !gone[p] }
	lease := b.mustRegister(1, "11111", nil)
	b.mustRegister(2, "22222", nil)
	b.mustRegister(3, "33333", nil)
	if b.live(b.now, testPeer(1)) {
		t.Fatal("three live")
	}
	_, err := b.register(1, "11111", lease)
	wantWait(t, err, time.Minute)
	b.release(b.now, testPeer(2), "22222")
	b.mustRegister(1, "11111", lease)
}

func TestNewNumbersPerHour(t *testing.T) {
	b := newBook(t, Limits{NewPerHour: 3})
	for i := range 3 {
		b.mustRegister(1, fmt.Sprint(10000+i), nil)
		b.pass(time.Minute)
	}
	_, err := b.register(1, "10009", nil)
	wantWait(t, err, 57*time.Minute)
	b.mustRegister(1, "10000", nil) // one that it had is free
	b.pass(57 * time.Minute)
	b.mustRegister(1, "10009", nil)
}

// TestLookupLimits: the numbers of the limits table, from one address and from many.
func TestLookupLimits(t *testing.T) {
	t.Run("10 a minute", func(t *testing.T) {
		b := newBook(t, Limits{CallsPerHour: -1})
		b.mustRegister(1, "48291", nil)
		for range 10 {
			if _, err := b.lookup(2, "48291"); err != nil {
				t.Fatal(err)
			}
		}
		b.pass(20 * time.Second)
		_, err := b.lookup(2, "48291")
		wantWait(t, err, 40*time.Second)
		if _, err := b.lookup(3, "48291"); err != nil {
			t.Fatalf("another address: %v", err)
		}
		b.pass(40 * time.Second)
		if _, err := b.lookup(2, "48291"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("60 an hour", func(t *testing.T) {
		b := newBook(t, Limits{CallsPerHour: -1})
		for i := range 60 {
			b.mustRegister(1, "48291", nil)
			if _, err := b.lookup(2, "48291"); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			b.pass(10 * time.Second)
		}
		_, err := b.lookup(2, "48291")
		wantWait(t, err, 50*time.Minute)
	})
	t.Run("30 an hour for one number", func(t *testing.T) {
		b := newBook(t, Limits{})
		b.mustRegister(1, "48291", nil)
		for i := range byte(30) {
			if _, err := b.lookup(10+i, "48291"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := b.lookup(9, "48291")
		wantWait(t, err, time.Hour)
	})
	t.Run("20 wrong, then doubling waits to an hour", func(t *testing.T) {
		b := newBook(t, Limits{})
		for range 20 {
			_, err := b.lookup(2, "99999")
			wantErr(t, err, ErrUnknown)
			b.pass(time.Minute)
		}
		for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
			_, err := b.lookup(2, "99999")
			wantErr(t, err, ErrUnknown)
			_, err = b.lookup(2, "99999")
			wantWait(t, err, time.Duration(want)*time.Minute)
			b.pass(time.Duration(want) * time.Minute)
		}
		_, err := b.lookup(3, "99999")
		wantErr(t, err, ErrUnknown) // others are not punished
		b.pass(forgetWrong)
		for range 2 {
			_, err := b.lookup(2, "99999")
			wantErr(t, err, ErrUnknown)
		}
	})
	t.Run("none", func(t *testing.T) {
		b := newBook(t, Unlimited)
		b.mustRegister(1, "48291", nil)
		for range 200 {
			if _, err := b.lookup(2, "48291"); err != nil {
				t.Fatal(err)
			}
			_, err := b.lookup(2, "99999")
			wantErr(t, err, ErrUnknown)
		}
		if n := len(b.sources[sourceOf(testSource(2))].lookups.at); n != 0 {
			t.Errorf("%d look-ups remembered for no limit", n)
		}
	})
	t.Run("trusted", func(t *testing.T) {
		b := newBook(t, Limits{})
		c := b.caller(2)
		c.trusted = true
		for range 200 {
			_, err := b.directory.lookup(b.now, c, "99999")
			wantErr(t, err, ErrUnknown)
		}
		if len(b.sources) != 0 {
			t.Error("a trusted source is remembered")
		}
	})
}

func TestSourceOf(t *testing.T) {
	for in, want := range map[string]string{
		"11.0.0.1": "11.0.0.1/32", "::ffff:11.0.0.1": "11.0.0.1/32",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := sourceOf(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestMemoryIsBounded: neither many addresses nor many numbers grow without end.
func TestMemoryIsBounded(t *testing.T) {
	b := newBook(t, Unlimited)
	b.limits.WrongPerHour = 20
	for i := range maxSources + 100 {
		c := caller{peer: testPeer(2), source: sourceOf(netip.AddrFrom4([4]byte{12, byte(i >> 16), byte(i >> 8), byte(i)}))}
		if _, err := b.directory.lookup(b.now, c, "99999"); !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
	}
	if len(b.sources) > maxSources {
		t.Errorf("%d sources", len(b.sources))
	}
	for i := range maxHeld + 100 {
		b.mustRegister(1, fmt.Sprint(100000+i), nil)
	}
	if len(b.held) > maxHeld {
		t.Errorf("%d numbers held", len(b.held))
	}
}
