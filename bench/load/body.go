package load

import (
	"fmt"
	"strings"
)

// EventType is the type of all events that are posted.
const EventType = "shop.product.redemption"

// The data of an event around what fills it up: the contract's example.
const (
	dataHead = `{"user":{"id":"123","name":"Aluno","email":"aluno@example.com","address":{"cep":"12345-123","uf":"SP",` +
		`"cidade":"Nome da cidade","bairro":"Nome do bairro","logradouro":"endereço","numero":"01","referencia":"`
	dataTail = `"}},"exchange":{"id":"321","exchange_date":"2023-06-20 14:52:59","quantity":"1","total_payment":"39",` +
		`"product":{"id":"213","name":"Nome do produto","type":"price","price":"39","stock_left":"49"}}}`
)

// eventData is an event's data, size bytes long if it can be.
func eventData(size int) string {
	return dataHead + strings.Repeat("x", max(0, size-len(dataHead)-len(dataTail))) + dataTail
}

// eventBody is the request of an intake.
func eventBody(client string, size int) []byte {
	return fmt.Appendf(nil, `{"type":%q,"client_id":%q,"data":%s}`, EventType, client, eventData(size))
}

// wireBody is what Carteiro sends for such an event: the contract's envelope.
func wireBody(size int) []byte {
	return []byte(`{"event":{"name":"Resgate do Produto","slug":"` + EventType + `","send_at":"2025-06-20 14:53:00"},"data":` + eventData(size) + `}`)
}

// acceptAnswer is as long as the answer to an intake with one delivery.
const acceptAnswer = `{"id":"evt_06cs1hk2m4z8v0e3f7g5h9jabc","type":"shop.product.redemption","client_id":"acme",` +
	`"created_at":"2025-06-20T17:53:00.123456Z","deliveries":[{"id":"dlv_06cs1hk2m4z8v0e3f7g5h9jabc","subscription_id":"sub_06cs1hk2m4z8v0e3f7g5h9jabc"}]}`
