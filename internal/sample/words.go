package sample

// The words are common ones; who is called by two of them is nobody's affair.
var (
	firstNames = []string{
		"Ana", "Beatriz", "Bruno", "Caio", "Camila", "Carlos", "Cecília", "Cláudia", "Daniel", "Débora", "Diego", "Eduarda",
		"Fábio", "Fernanda", "Gabriel", "Heloísa", "Henrique", "Inês", "Iara", "João", "José", "Júlia", "Larissa", "Letícia",
		"Lucas", "Luísa", "Marcelo", "Márcia", "Mateus", "Murilo", "Natália", "Otávio", "Patrícia", "Rafael", "Renata", "Sônia",
		"Tainá", "Thiago", "Vinícius", "Yasmin",
	}
	lastNames = []string{
		"Almeida", "Alves", "Araújo", "Barbosa", "Batista", "Cardoso", "Carvalho", "Conceição", "Costa", "da Silva", "dos Santos",
		"Dias", "Fernandes", "Ferreira", "Freitas", "Gomes", "Gonçalves", "Lima", "Lopes", "Machado", "Magalhães", "Martins",
		"Melo", "Mendes", "Moraes", "Nascimento", "Oliveira", "Pereira", "Ribeiro", "Rocha", "Rodrigues", "Simões", "Souza", "Teixeira", "Vieira",
	}
	places = [][2]string{
		{"São Paulo", "SP"},
		{"Campinas", "SP"},
		{"Ribeirão Preto", "SP"},
		{"Rio de Janeiro", "RJ"},
		{"Niterói", "RJ"},
		{"Belo Horizonte", "MG"},
		{"Uberlândia", "MG"},
		{"Vitória", "ES"},
		{"Curitiba", "PR"},
		{"Londrina", "PR"},
		{"Florianópolis", "SC"},
		{"Porto Alegre", "RS"},
		{"Salvador", "BA"},
		{"Recife", "PE"},
		{"Fortaleza", "CE"},
		{"São Luís", "MA"},
		{"Belém", "PA"},
		{"Manaus", "AM"},
		{"Goiânia", "GO"},
		{"Brasília", "DF"},
		{"Cuiabá", "MT"},
		{"Maceió", "AL"},
	}
	positions = []string{
		"Analista de Marketing", "Arquiteta", "Contador", "Coordenadora Pedagógica", "Desenvolvedor", "Diretora Comercial",
		"Engenheira Civil", "Estudante", "Gerente de Projetos", "Médica", "Pesquisador", "Professora", "Sócio-fundador",
	}
	projects = []string{"congresso-gestao", "encontro-digital", "feira-do-livro", "festival-de-inverno", "semana-da-saude"}
	products = []string{"Acesso VIP", "Ingresso Inteira", "Meia-entrada", "Oficina de Fotografia", "Passaporte 3 dias", "Workshop \"Mão na massa\""}
	coupons  = []string{"AMIGO10", "LOTE1", "PRIMEIRA-COMPRA", "VOLTA20"}
	gateways = []string{"cielo", "iugu", "mercadopago", "pagarme"}
	statuses = []string{"authorized", "paid", "refused", "refunded", "waiting_payment"}
	sources  = []string{"direto", "google", "instagram", "newsletter"}
	types    = []string{"Antecipação", "Liquidação", "Taxa de serviço", "Transferência"}
)
