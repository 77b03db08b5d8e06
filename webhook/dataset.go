package webhook

import (
	"fmt"
	"strings"
	"time"
)

// Dataset names one kind of the platform's records. The export of a dataset
// has the same name.
type Dataset string

// The datasets (wire-contracts.md, section 1).
const (
	Cadastros  Dataset = "cadastros"  // registrations
	Vendas     Dataset = "vendas"     // sales
	Ingressos  Dataset = "ingressos"  // tickets
	Financeiro Dataset = "financeiro" // reconciliation
)

// Datasets lists the datasets in the order of the contract.
func Datasets() []Dataset { return []Dataset{Cadastros, Vendas, Ingressos, Financeiro} }

// ParseDataset returns the dataset of a name, or an error of KindNotFound.
func ParseDataset(name string) (Dataset, error) {
	if _, ok := datasetSpecs[Dataset(name)]; !ok {
		return "", &Error{
			Kind: KindNotFound, Code: "not_found",
			Message: fmt.Sprintf("There is no dataset %q; there are cadastros, vendas, ingressos and financeiro.", clip(name)),
		}
	}
	return Dataset(name), nil
}

// Spec returns what the contract says about the dataset. It is nil for a name
// that [ParseDataset] refuses.
func (d Dataset) Spec() *DatasetSpec { return datasetSpecs[d] }

// DatasetSpec is what the contract says about the records of a dataset: the
// one table that validation, made-up data and tests read.
type DatasetSpec struct {
	Dataset   Dataset
	Event     Slug     // "event" in the body of an export
	Key       string   // field that identifies a record: non-empty text
	UpdatedAt string   // field that tells which version of a record is newer; "": the last one written is
	Window    string   // field without which a record belongs to no window
	AlsoIn    []string // further times that put a record into a window
	Fields    []Field  // all fields that the contract names, in its order

	fields map[string]int // index in Fields by name
}

// Field is one field of a dataset's records.
type Field struct {
	Name string
	Kind FieldKind
	Enum []string // the allowed values of an enumeration; otherwise nil
}

// FieldKind is what the contract says about a field's value.
type FieldKind int

// The kinds of fields. Only money, enumerations and what the windows and the
// key are made of are checked; the rest passes as the platform wrote it.
const (
	FieldText         FieldKind = iota + 1 // a string
	FieldInteger                           // an integer that is no money
	FieldMoney                             // an integer, in centavos
	FieldBool                              // true or false
	FieldTime                              // ISO 8601, such as 2025-06-15T18:00:00Z
	FieldDate                              // YYYY-MM-DD, a day in GMT-3
	FieldBirthDate                         // DD/MM/YYYY
	FieldEnum                              // one of Enum
	FieldObject                            // an object
	FieldTextOrObject                      // a string or an object
)

// Field returns the field of a name, and whether the contract has one.
func (s *DatasetSpec) Field(name string) (Field, bool) {
	i, ok := s.fields[name]
	if !ok {
		return Field{}, false
	}
	return s.Fields[i], true
}

// ContractZone is the contracts' time zone: GMT-3, a fixed offset without
// daylight saving time.
func ContractZone() *time.Location { return contractZone }

var contractZone = time.FixedZone("GMT-3", -3*60*60)

// The enumerations of the contract.
var (
	paymentMethods  = []string{"Cartão de Crédito", "Boleto", "Pix", "Cortesia", "Gratuito"}
	paymentStatuses = []string{"Aguardando", "Pago", "Cancelado", "Estornado"}
	operations      = []string{"Crédito", "Saque", "Estorno"}
)

// The fields in the order of the contract. The spellings confirmated,
// cortesy_hash_id and antecipation_gap are the platform's own.
const (
	cadastroTexts = `_id project_id event_id user_hash reference name badge_name email phone city state position
		document_type document_number`
	vendaTexts    = `_id project_id event_id coupon payer_type sale_hash`
	vendaMoney    = `price discount installment_value total tax transaction_tax administration_tax fees net_total`
	vendaMore     = `transaction_id boleto_url boleto_barcode transaction_status payment_gateway product_id client_id payer_id cortesy_hash_id seller_hash fields_text`
	vendaTimes    = `approved_at cancelled_at createdAt updatedAt expireAt`
	ingressoTexts = `_id project_id event_id sale_hash ticket_hash client_id payer_id product_id`
	ingressoMore  = `transaction_status payment_gateway transaction_id seller_hash fields_text coupon payer_type courtesy_reference cortesy_hash_id`
	ingressoTimes = `checkin_date approved_at cancelled_at expireAt createdAt updatedAt`
	financeMore   = `operation_type operation_type_raw`
	financeTexts  = `product client_id sale_hash transaction_id observation`
	financeMoney  = `total tax transaction_tax fees total_tax antecipation_gap operation_fee administration_tax sacado total_recipe total_expense saldo installment_value`
)

// datasetSpecs is read only.
var datasetSpecs = map[Dataset]*DatasetSpec{
	Cadastros: newSpec(
		DatasetSpec{Dataset: Cadastros, Event: "cadastro_export", Key: "_id", UpdatedAt: "updatedAt", Window: "updatedAt"},
		named(FieldText, cadastroTexts), named(FieldBirthDate, "birth_date"), named(FieldText, "category_id"),
		named(FieldTime, "createdAt updatedAt"),
	),
	Vendas: newSpec(
		DatasetSpec{Dataset: Vendas, Event: "venda_export", Key: "_id", UpdatedAt: "updatedAt", Window: "updatedAt"},
		named(FieldText, vendaTexts), named(FieldMoney, vendaMoney), named(FieldInteger, "installment quantity"),
		named(FieldText, vendaMore), named(FieldTime, vendaTimes), named(FieldObject, "fields product_id_response marketing_params"), payment(),
	),
	Ingressos: newSpec(
		DatasetSpec{
			Dataset: Ingressos, Event: "ingresso_export", Key: "_id", UpdatedAt: "updatedAt", Window: "updatedAt",
			AlsoIn: []string{"createdAt", "checkin_date"},
		},
		named(FieldText, ingressoTexts), named(FieldTextOrObject, "product_id_response"), named(FieldText, ingressoMore),
		named(FieldBool, "checkin confirmated reserved"), named(FieldInteger, "quantity"),
		named(FieldTime, ingressoTimes), named(FieldObject, "fields marketing_params"), payment(),
	),
	Financeiro: newSpec(
		DatasetSpec{Dataset: Financeiro, Event: "financeiro_export", Key: "reference_number", Window: "date"},
		named(FieldText, "reference_number project"), named(FieldDate, "date"), named(FieldText, financeMore),
		[]Field{{"operation", FieldEnum, operations}}, named(FieldText, financeTexts), payment(),
		named(FieldInteger, "installment"), named(FieldMoney, financeMoney),
	),
}

func payment() []Field {
	return []Field{{"payment_method_id", FieldEnum, paymentMethods}, {"payment_status_id", FieldEnum, paymentStatuses}}
}

// named makes a field of a kind out of each word.
func named(kind FieldKind, names string) []Field {
	words := strings.Fields(names)
	out := make([]Field, len(words))
	for i, name := range words {
		out[i] = Field{Name: name, Kind: kind}
	}
	return out
}

func newSpec(s DatasetSpec, groups ...[]Field) *DatasetSpec {
	s.fields = map[string]int{}
	for _, group := range groups {
		for _, f := range group {
			s.fields[f.Name] = len(s.Fields)
			s.Fields = append(s.Fields, f)
		}
	}
	return &s
}
