// Package pict codes tiles of 16 x 16 px that show photos, films and the like:
// with loss, by prediction in place and time, an integer transform and an
// adaptive range coder.
package pict
