package fleet

import "os"

// Here no signal makes a process stand still.
var freeze, thaw os.Signal
