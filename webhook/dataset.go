package webhook

// Dataset names the records of one kind that the platform exports; its export
// has the same name.
type Dataset string

// The datasets (wire-contracts, section 1).
const (
	Cadastros  Dataset = "cadastros"
	Vendas     Dataset = "vendas"
	Ingressos  Dataset = "ingressos"
	Financeiro Dataset = "financeiro"
)
