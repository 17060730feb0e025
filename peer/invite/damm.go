package invite

// The quasigroup of order 10 of H. Michael Damm, "Total anti-symmetrische
// Quasigruppen", doctoral thesis, Marburg 2004. It finds every single wrong
// digit and every swap of two neighbours.
var dammTable = [10][10]byte{
	{0, 3, 1, 7, 5, 9, 8, 6, 4, 2},
	{7, 0, 9, 2, 1, 5, 4, 8, 6, 3},
	{4, 2, 0, 6, 8, 7, 1, 3, 5, 9},
	{1, 7, 5, 0, 9, 8, 3, 4, 2, 6},
	{6, 1, 2, 3, 0, 4, 5, 9, 7, 8},
	{3, 6, 7, 4, 2, 0, 9, 5, 8, 1},
	{5, 8, 6, 9, 7, 2, 0, 1, 3, 4},
	{8, 9, 4, 5, 3, 6, 2, 0, 1, 7},
	{9, 4, 3, 8, 6, 1, 7, 2, 0, 5},
	{2, 5, 8, 1, 4, 3, 6, 7, 9, 0},
}

// damm returns the check digit (0..9) of a string of ASCII digits; over digits
// that already end with their check digit it returns 0.
func damm(digits string) byte {
	var d byte
	for i := range len(digits) {
		d = dammTable[d][digits[i]-'0']
	}
	return d
}
