package webhook

// topicCheck is the topic of one outcome of a check.
func topicCheck(check CheckName, outcome string) topic {
	return topic("check " + string(check) + " " + outcome)
}

const (
	topicNotReached topic = "check not reached"
	topicNoSample   topic = "check has no sample"
)

// checkWords is the part of the table that only the doctor speaks of: what was
// found, and what mends it. What fails an attempt has its words in words.
var checkWords = map[topic]entry{
	topicNotReached: {
		saying{what: "Not looked at: an earlier step already failed or does not apply."},
		saying{what: "Não verificado: uma etapa anterior falhou ou não se aplica."},
	},
	topicNoSample: {
		saying{what: "Not looked at: the subscription wants no event type that has an example to send. PUT /v1/event-types/… gives one."},
		saying{what: "Não verificado: a assinatura não quer nenhum tipo de evento com exemplo para enviar. PUT /v1/event-types/… cadastra um."},
	},
	topicCheck(CheckDNS, "ok"): {
		saying{what: "{host} resolves to {addresses} ({took})."}, saying{what: "{host} resolve para {addresses} ({took})."},
	},
	topicCheck(CheckDNS, "literal"): {
		saying{what: "The URL names an address itself; there is no name to look up."}, saying{what: "A URL já traz um endereço; não há nome a consultar."},
	},
	topicCheck(CheckAddress, "ok"): {
		saying{what: "The address policy lets requests go there."}, saying{what: "A política de endereços permite o envio para lá."},
	},
	topicCheck(CheckAddress, "some"): {
		saying{what: "The address policy refuses a part of the addresses: {addresses}. Requests that meet them fail.", remedy: "Take the addresses that are not public out of the name's DNS records."},
		saying{what: "A política de endereços recusa parte dos endereços: {addresses}. As requisições que caírem neles falham.", remedy: "Retire dos registros DNS do nome os endereços que não são públicos."},
	},
	topicCheck(CheckTCP, "ok"): {
		saying{what: "{address} took the connection in {took}."}, saying{what: "{address} aceitou a conexão em {took}."},
	},
	topicCheck(CheckTLS, "ok"): {
		saying{what: "{version}; the certificate's chain and name are trusted."}, saying{what: "{version}; a cadeia e o nome do certificado são confiáveis."},
	},
	topicCheck(CheckTLS, "plain"): {
		saying{what: "The URL is plain http: whoever is on the way can read and change messages.", remedy: "Use https outside of tests."},
		saying{what: "A URL é http puro: quem estiver no caminho pode ler e alterar as mensagens.", remedy: "Use https fora de testes."},
	},
	topicCheck(CheckTLS, string(TLSAuthority)): {
		saying{what: "The certificate is not signed by an authority that is trusted here.", remedy: "Install the full chain, with the intermediate certificates (fullchain.pem)."},
		saying{what: "O certificado não é assinado por uma autoridade confiável.", remedy: "Instale a cadeia completa, com os certificados intermediários (fullchain.pem)."},
	},
	topicCheck(CheckTLS, string(TLSName)): {
		saying{what: "The certificate is for another name than {host}.", remedy: "Install a certificate for this name, or correct the URL."},
		saying{what: "O certificado é de outro nome, não de {host}.", remedy: "Instale um certificado para este nome ou corrija a URL."},
	},
	topicCheck(CheckTLS, string(TLSExpired)): {
		saying{what: "The certificate has expired, or is not valid yet.", remedy: "Renew it, and check the clocks."},
		saying{what: "O certificado venceu ou ainda não é válido.", remedy: "Renove-o e confira os relógios."},
	},
	topicCheck(CheckTLS, string(TLSNone)): {
		saying{what: "The server does not speak TLS at this port.", remedy: "Check the URL's port and scheme."},
		saying{what: "O servidor não fala TLS nessa porta.", remedy: "Confira a porta e o esquema da URL."},
	},
	topicCheck(CheckTLS, string(TLSOther)): {
		saying{what: "The TLS handshake with {host} failed.", remedy: "The server must offer TLS 1.2 or newer, and must not ask for a client certificate."},
		saying{what: "A negociação TLS com {host} falhou.", remedy: "O servidor deve oferecer TLS 1.2 ou mais novo e não pode exigir certificado de cliente."},
	},
	topicCheck(CheckCertificate, "ok"): {
		saying{what: "The certificate is valid until {date}: {days} days left."}, saying{what: "O certificado vale até {date}: faltam {days} dias."},
	},
	topicCheck(CheckCertificate, "soon"): {
		saying{what: "The certificate ends on {date}: {days} days left.", remedy: "Renew it before that day, or every delivery fails from then on."},
		saying{what: "O certificado vence em {date}: faltam {days} dias.", remedy: "Renove-o antes desse dia, ou todas as entregas passarão a falhar."},
	},
	topicCheck(CheckCertificate, "over"): {
		saying{what: "The certificate ended on {date}.", remedy: "Renew it: every delivery fails until then."},
		saying{what: "O certificado venceu em {date}.", remedy: "Renove-o: todas as entregas falham até lá."},
	},
	topicCheck(CheckProtocol, "ok"): {
		saying{what: "The server speaks HTTP/1.1."}, saying{what: "O servidor fala HTTP/1.1."},
	},
	topicCheck(CheckRedirect, "ok"): {
		saying{what: "The answer is no redirect."}, saying{what: "A resposta não é um redirecionamento."},
	},
	topicCheck(CheckLatency, "ok"): {
		saying{what: "The answer took {took}; the limit is {limit}."}, saying{what: "A resposta levou {took}; o limite é {limit}."},
	},
	topicCheck(CheckLatency, "slow"): {
		saying{what: "The answer took {took}, and the limit is {limit}: under load it would be too late.", remedy: "The receiver should store the message, answer, and do its work afterwards."},
		saying{what: "A resposta levou {took}, e o limite é {limit}: sob carga, chegaria tarde demais.", remedy: "O destino deve gravar a mensagem, responder e processar depois."},
	},
	topicCheck(CheckSignature, "ok"): {
		saying{what: "A message with a wrong signature was refused with {status}."}, saying{what: "Uma mensagem com assinatura errada foi recusada com {status}."},
	},
	topicCheck(CheckSignature, "ignored"): {
		saying{what: "A message with a wrong signature was taken, with {status}: anybody who knows the URL can forge messages.", remedy: "The receiver should verify webhook-signature with a library of Standard Webhooks, and answer 401 when it is wrong."},
		saying{what: "Uma mensagem com assinatura errada foi aceita, com {status}: quem souber a URL pode forjar mensagens.", remedy: "O destino deve verificar webhook-signature com uma biblioteca Standard Webhooks e responder 401 quando estiver errada."},
	},
	topicCheck(CheckSignature, "unknown"): {
		saying{what: "It cannot be told whether signatures are verified: the rightly signed message was not taken either, or the wrong one was not answered with 4xx."},
		saying{what: "Não dá para saber se as assinaturas são verificadas: a mensagem bem assinada também não foi aceita, ou a errada não foi respondida com 4xx."},
	},
	topicCheck(CheckRepeat, "ok"): {
		saying{what: "The same message a second time was taken too, with {status}."}, saying{what: "A mesma mensagem, pela segunda vez, também foi aceita, com {status}."},
	},
	topicCheck(CheckRepeat, "refused"): {
		saying{what: "The message was taken once, and its repeat was not: a repeat would be sent again and again until it has failed.", remedy: "The receiver should drop a webhook-id that it knows and answer 200 all the same."},
		saying{what: "A mensagem foi aceita uma vez, mas a repetição não: uma repetição seria reenviada até falhar de vez.", remedy: "O destino deve descartar um webhook-id já conhecido e mesmo assim responder 200."},
	},
	topicCheck(CheckBody, "ok"): {
		saying{what: "The answer's body is the expected one."}, saying{what: "O corpo da resposta é o esperado."},
	},
	topicCheck(CheckBody, "free"): {
		saying{what: "The answer's body may be anything: this is no export."}, saying{what: "O corpo da resposta pode ser qualquer um: não é uma exportação."},
	},
}
