//go:build amd64 && !purego

package kern

import "golang.org/x/sys/cpu"

// useAVX2 chooses the assembly. Only tests change it.
var useAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT
