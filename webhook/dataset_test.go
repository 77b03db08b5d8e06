package webhook

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contract is the list of fields as the contract gives it (wire-contracts.md,
// section 1), word for word but for the lines' ends.
var contract = map[Dataset]string{
	Cadastros:  "`_id`, `project_id`, `event_id`, `user_hash`, `reference`, `name`, `badge_name`, `email`, `phone`, `city`, `state`, `position`, `document_type` (cpf, cnpj), `document_number`, `birth_date` (DD/MM/YYYY), `category_id`, `createdAt`, `updatedAt` (ISO 8601). All strings.",
	Vendas:     "`_id`, `project_id`, `event_id`, `coupon`, `payer_type`, `sale_hash`; integers in centavos `price`, `discount`, `installment_value`, `total`, `tax`, `transaction_tax`, `administration_tax`, `fees`, `net_total`; integers `installment`, `quantity`; strings `transaction_id`, `boleto_url`, `boleto_barcode`, `transaction_status`, `payment_gateway`, `product_id`, `client_id`, `payer_id`, `cortesy_hash_id`, `seller_hash`, `fields_text`; ISO times `approved_at`, `cancelled_at`, `createdAt`, `updatedAt`, `expireAt`; objects `fields`, `product_id_response`, `marketing_params`; `payment_method_id`, `payment_status_id` (below).",
	Ingressos:  "`_id`, `project_id`, `event_id`, `sale_hash`, `ticket_hash`, `client_id`, `payer_id`, `product_id`, `product_id_response` (string or object), `transaction_status`, `payment_gateway`, `transaction_id`, `seller_hash`, `fields_text`, `coupon`, `payer_type`, `courtesy_reference`, `cortesy_hash_id`; booleans `checkin`, `confirmated`, `reserved`; integer `quantity`; ISO times `checkin_date`, `approved_at`, `cancelled_at`, `expireAt`, `createdAt`, `updatedAt`; objects `fields`, `marketing_params`; `payment_method_id`, `payment_status_id`.",
	Financeiro: "`reference_number`, `project`, `date` (YYYY-MM-DD), `operation_type`, `operation_type_raw`, `operation`, `product`, `client_id`, `sale_hash`, `transaction_id`, `observation`, `payment_method_id`, `payment_status_id`; integer `installment`; integers in centavos `total`, `tax`, `transaction_tax`, `fees`, `total_tax`, `antecipation_gap`, `operation_fee`, `administration_tax`, `sacado` (may be negative), `total_recipe`, `total_expense`, `saldo`, `installment_value`.",
}

func TestTheTableIsTheContract(t *testing.T) {
	word := regexp.MustCompile("`([^`]+)`")
	for _, d := range Datasets() {
		spec := d.Spec()
		var names []string
		for _, m := range word.FindAllStringSubmatch(contract[d], -1) {
			names = append(names, m[1])
		}
		var got []string
		for _, f := range spec.Fields {
			got = append(got, f.Name)
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s:\n got %v\nwant %v", d, got, names)
		}
		for _, part := range strings.Split(contract[d], "; ") {
			for _, m := range word.FindAllStringSubmatch(part, -1) {
				f, ok := spec.Field(m[1])
				if want := strings.HasPrefix(part, "integers in centavos"); !ok || (f.Kind == FieldMoney) != want {
					t.Errorf("%s.%s: money %v, want %v", d, m[1], f.Kind == FieldMoney, want)
				}
				if want := m[1] == "payment_method_id" || m[1] == "payment_status_id" || m[1] == "operation"; (f.Kind == FieldEnum) != want || (f.Enum != nil) != want {
					t.Errorf("%s.%s: an enumeration %v, want %v", d, m[1], f.Kind == FieldEnum, want)
				}
			}
		}
	}
}

func TestTheWindowsFields(t *testing.T) {
	for d, want := range map[Dataset]string{
		Cadastros:  "cadastro_export _id updatedAt updatedAt ",
		Vendas:     "venda_export _id updatedAt updatedAt ",
		Ingressos:  "ingresso_export _id updatedAt updatedAt createdAt,checkin_date",
		Financeiro: "financeiro_export reference_number  date ",
	} {
		s := d.Spec()
		if got := strings.Join([]string{string(s.Event), s.Key, s.UpdatedAt, s.Window, strings.Join(s.AlsoIn, ",")}, " "); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
		if 1+len(s.AlsoIn) > MaxInstants {
			t.Errorf("%s: a record may have %d times; %d are kept", d, 1+len(s.AlsoIn), MaxInstants)
		}
	}
	if _, err := ParseDataset("clientes"); !IsKind(err, KindNotFound) {
		t.Errorf("an unknown dataset: %v", err)
	}
	if d, err := ParseDataset("vendas"); err != nil || d != Vendas {
		t.Errorf("%q, %v", d, err)
	}
}
