//go:build !amd64 || purego

package kern

// useAVX2 is false where there is no assembly.
const useAVX2 = false
