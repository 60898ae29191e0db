// Package municipalities has the municipalities of Denmark, to fill a register with and to draw geographic limits from. Their
// outlines are approximate: README.md says how they were made, and what of.
package municipalities

import _ "embed" // the document

// JSON is an array of 98 objects in the order of their codes: kommunekode, navn, regionskode, regionsnavn, and geometri, the
// outline as WKT in EPSG:25832.
//
//go:embed municipalities.json
var JSON []byte
