package peer

import (
	"context"

	"sightline/peer/secure"
	"sightline/peer/wire"
)

// channels is the whole of what a viewer can open on a host, and at what
// price: one of the rights in need. What does not stand here is refused.
var channels = map[wire.Channel]struct {
	need  wire.Grant // any of these; none needed: 0
	serve func(*seat, context.Context, *secure.Sealed) error
}{
	wire.Control: {0, (*seat).talk},
	wire.Screen:  {wire.View, (*seat).show},
	wire.Input:   {wire.HandsOn, (*seat).obey},
	wire.Clips:   {wire.ClipToHost | wire.ClipToViewer, (*seat).exchange},
}
