package api

import "github.com/varselhub/varsel/internal/fault"

func describedReceipts() map[string]about {
	return map[string]about{
		"POST /api/v1/receipts": {
			id: "sendReceipts", tag: "Receipts", summary: "Confirm messages",
			more: "All or none. Kept for 30 days; a second receipt for a message is answered as the first. Also at /system/EventReceipts/1.0.0 of the host.",
			asks: receiptRequest{}, example: `{"beskedID": ["01a1f0ae-7c1d-7b3c-9d55-0a1b2c3d4e5f"]}`, gives: map[int]any{200: list[ReceiptView]{}},
			problems: []fault.Code{fault.NotFound},
		},
		"GET /api/v1/receipts": {
			id: "listReceipts", tag: "Receipts", summary: "List receipts, newest first", more: "Without the objects that the messages were about.",
			query: pageParameters(
				textParameter("system", "Of this system. Who has several names one.", "archive"), textParameter("message", "For the message of this id.", ""),
				timeParameter("from", "Received at or after."), timeParameter("to", "Received before."),
			),
			gives: map[int]any{200: page[ReceiptView]{}}, problems: []fault.Code{fault.BadRequest, fault.NotFound},
		},
		"GET /api/v1/receipts/overdue": {
			id: "listOverdueReceipts", tag: "Receipts", summary: "List deliveries whose receipts have not come in time",
			more:  "Of message types that require them, in order of position. A page with `next` and without items says that there is more to look at.",
			query: pageParameters(textParameter("system", "Of this system.", "archive")), gives: map[int]any{200: page[OverdueView]{}},
			problems: []fault.Code{fault.BadRequest, fault.NotFound},
		},
		"POST /api/v1/receipts/{message}/reveal": {
			id: "revealReceipts", tag: "Receipts", summary: "Tell what the receipts for a message are about, on record", asks: revealRequest{},
			example: `{"reason": "case 2026-118"}`, gives: map[int]any{200: list[RevealedReceipt]{}},
		},
	}
}
