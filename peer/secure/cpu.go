package secure

import "golang.org/x/sys/cpu"

// preferredSuite is AES-256-GCM wherever the CPU does it in hardware; in
// software it would be slow and open to timing through the cache.
func preferredSuite() byte {
	if cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ || cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || cpu.S390X.HasAES {
		return suiteAESGCM
	}
	return suiteChaChaPoly
}
