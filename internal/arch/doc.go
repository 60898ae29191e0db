// Package arch is the shape of the code (DESIGN section 4) as tests: which package may import which, what a package may
// be called, and a few habits that are easier kept than restored. It holds no code of the product.
//
// A new package is added to the table of layers; a new dependency to docs/dependencies.md. An exception is a line in a
// table here, with its reason.
package arch
