// Package sites has status sites to begin with, as documents that `varsel site put` and the API take.
package sites

import _ "embed" // the documents

// CRMAndERP is a site of two sections, the fifteen services of a CRM and the twenty-two of an ERP, each with what it is and
// what its users lose while it is down, in French and English, named in Danish and Polish too; its states are called and
// coloured as that platform does, orange, red and black. It has no ids: the hub draws them.
//
//go:embed crm-erp.json
var CRMAndERP []byte
