package webhook

// urlWords is why the address policy refuses a URL.
func urlWords() []sentence {
	return []sentence{
		{"The URL must not be empty.", "A URL não pode ficar em branco."},
		{"The URL is {n} bytes long; at most {max} are allowed.", "A URL tem {n} bytes; o máximo é {max}."},
		{"The URL is not valid UTF-8.", "A URL não é UTF-8 válido."},
		{"The URL contains a space, a line break or an invisible character. Write it as %20 and the like, or leave it out.", "A URL contém um espaço, uma quebra de linha ou um caractere invisível. Escreva-o como %20 ou equivalente, ou retire-o."},
		{`The URL contains a backslash (\). Use a slash (/).`, `A URL contém uma barra invertida (\). Use uma barra (/).`},
		{"This is not a URL. Write it like https://hooks.example.com/path.", "Isto não é uma URL. Escreva algo como https://hooks.example.com/caminho."},
		{"The URL is plain http; only https is allowed. For tests, CARTEIRO_ALLOW_HTTP=true opens http.", "A URL é http sem criptografia; só https é permitido. Para testes, CARTEIRO_ALLOW_HTTP=true libera http."},
		{"The URL must begin with https://.", "A URL precisa começar com https://."},
		{"The URL names no host. Write it like https://hooks.example.com/path.", "A URL não tem um servidor. Escreva algo como https://hooks.example.com/caminho."},
		{"The URL carries a user name or password. Use the subscription's auth instead.", "A URL leva um usuário ou uma senha. Use a autenticação da assinatura."},
		{"The URL has a fragment (#…), which is never sent. Leave it out.", "A URL tem um fragmento (#…), que nunca é enviado. Retire-o."},
		{"The port is not allowed: a number from 1 to 65535, without zeros before it, or none.", "A porta não é permitida: um número de 1 a 65535, sem zeros à esquerda, ou nenhuma."},
		{"What is between the brackets is not an IPv6 address.", "O que está entre colchetes não é um endereço IPv6."},
		{"The IPv6 address has a zone (%…), which means a network card of this machine. Leave it out.", "O endereço IPv6 tem uma zona (%…), que indica uma placa de rede desta máquina. Retire-a."},
		{"An IPv6 address goes between brackets, like https://[2606:4700::1]/path.", "Um endereço IPv6 vai entre colchetes, como https://[2606:4700::1]/caminho."},
		{"The address is refused: it is an IPv4 address written as IPv6. Write the IPv4 address.", "O endereço é recusado: é um endereço IPv4 escrito como IPv6. Escreva o endereço IPv4."},
		{"The host has characters outside ASCII. Write an international name in its ASCII form (xn--…).", "O servidor tem caracteres fora do ASCII. Escreva o nome internacional na forma ASCII (xn--…)."},
		{"The host ends with a dot. Leave it out: names are always taken as absolute.", "O servidor termina com um ponto. Retire-o: os nomes são sempre tratados como absolutos."},
		{"The host is longer than 253 characters.", "O servidor tem mais de 253 caracteres."},
		{"The host is not a name: words of letters, digits, '-' or '_' of at most 63 characters, joined by single dots.", "O servidor não é um nome: palavras de letras, dígitos, '-' ou '_' com até 63 caracteres, unidas por pontos simples."},
		{"The host looks like an IP address, but is not written as four decimal numbers, like 203.0.113.7.", "O servidor parece um endereço IP, mas não está escrito como quatro números decimais, como 203.0.113.7."},
		{"The name {host} cannot be used. {why}", "O nome {host} não pode ser usado. {why}"},
		{"The address {addr} is refused: it stands for {inner}, and of that, {why}. Use a public address, or open its network with CARTEIRO_ALLOW_NETWORKS.", "O endereço {addr} é recusado: representa {inner}, e este {why}. Use um endereço público ou libere a rede com CARTEIRO_ALLOW_NETWORKS."},
		{"The address {addr} is refused: it stands for {inner}, and of that, {why}.", "O endereço {addr} é recusado: representa {inner}, e este {why}."},
		{"The address {addr} is refused: {why}. Use a public address, or open its network with CARTEIRO_ALLOW_NETWORKS.", "O endereço {addr} é recusado: {why}. Use um endereço público ou libere a rede com CARTEIRO_ALLOW_NETWORKS."},
		{"The address {addr} is refused: {why}.", "O endereço {addr} é recusado: {why}."},
		{"The address is refused: {why}.", "O endereço é recusado: {why}."},
	}
}

// refusalWords is what an address is that may not be dialled.
func refusalWords() []sentence {
	return []sentence{
		{"it is not an IP address and a port", "não é um endereço IP com porta"},
		{"it is not an IP address", "não é um endereço IP"},
		{"a zone names a network card of this machine", "uma zona indica uma placa de rede desta máquina"},
		{"port 0 cannot be dialled", "a porta 0 não pode ser usada"},
		{"it is an IPv4 address written as IPv6; write the IPv4 address", "é um endereço IPv4 escrito como IPv6; escreva o endereço IPv4"},
		{"it is where Carteiro itself listens", "é onde o próprio Carteiro escuta"},
		{"it is a cloud provider's metadata or control address", "é um endereço de metadados ou de controle de um provedor de nuvem"},
		{"it carries an IPv4 address inside (ISATAP)", "leva um endereço IPv4 dentro de si (ISATAP)"},
		{"it {whynet}", "{whynet}"},
		{"is the broadcast address", "é o endereço de broadcast"},
		{"means this machine itself (unspecified)", "indica esta própria máquina (não especificado)"},
		{"is in a private network (RFC 1918)", "fica em uma rede privada (RFC 1918)"},
		{"is in a private network (unique local, RFC 4193)", "fica em uma rede privada (unique local, RFC 4193)"},
		{"is in a private network (site-local, RFC 3879)", "fica em uma rede privada (site-local, RFC 3879)"},
		{"is in a provider's shared network (CGNAT, RFC 6598)", "fica na rede compartilhada de um provedor (CGNAT, RFC 6598)"},
		{"is a loopback address, this machine itself", "é um endereço de loopback, esta própria máquina"},
		{"is a link-local address", "é um endereço link-local"},
		{"is a multicast address", "é um endereço de multicast"},
		{"is reserved for documentation ({rfc})", "é reservado para documentação ({rfc})"},
		{"is reserved for benchmarks (RFC 2544)", "é reservado para testes de desempenho (RFC 2544)"},
		{"is reserved (RFC 1112)", "é reservado (RFC 1112)"},
		{"is an IPv4 address written as IPv6 (IPv4-compatible)", "é um endereço IPv4 escrito como IPv6 (IPv4-compatible)"},
		{"is an IPv4 address behind a NAT64 gateway", "é um endereço IPv4 atrás de um gateway NAT64"},
		{"carries an IPv4 address inside (Teredo)", "leva um endereço IPv4 dentro de si (Teredo)"},
		{"carries an IPv4 address inside (6to4)", "leva um endereço IPv4 dentro de si (6to4)"},
		{"is not a public address", "não é um endereço público"},
	}
}
