package webhook

// words is the one table of what is said about deliveries, in English and in
// the Portuguese of Brazil. The first sentence says what happened, the second
// what mends it, the third what to tell the client. {places} are filled by
// explain.go; both languages have the same ones.
var words = map[topic]entry{
	// Why an attempt failed: its error code.
	topicError(ErrorDNS): {
		saying{
			"The receiver's host name could not be looked up.", "Check the spelling of the URL and the name's DNS records.",
			"The host name of your URL could not be found in DNS. Please check its DNS records.",
		},
		saying{
			"O nome do servidor de destino não foi encontrado no DNS.", "Confira a grafia da URL e os registros DNS do nome.",
			"O nome do servidor da sua URL não foi encontrado no DNS. Por favor, verifique os registros DNS.",
		},
	},
	topicError(ErrorConnect): {
		saying{
			"No connection to the receiver could be made.", "Check that the server runs, the URL's port, and the firewall in between.",
			"Your server did not take our connection. Please check that it runs and that its firewall lets us in.",
		},
		saying{
			"Não foi possível conectar ao servidor de destino.", "Confira se o servidor está no ar, a porta da URL e o firewall no caminho.",
			"Seu servidor não aceitou a nossa conexão. Por favor, verifique se ele está no ar e se o firewall nos permite entrar.",
		},
	},
	topicError(ErrorTLS): {
		saying{
			"No secure connection (TLS) with the receiver could be made.", "Check the certificate's name, expiry and full chain; the check of the subscription shows which it is.",
			"The TLS certificate of your server was not accepted. Please check that it is for this name, has not expired and is installed with its full chain.",
		},
		saying{
			"Não foi possível estabelecer a conexão segura (TLS) com o destino.", "Confira o nome, a validade e a cadeia completa do certificado; a verificação da assinatura mostra qual é o caso.",
			"O certificado TLS do seu servidor não foi aceito. Por favor, verifique se ele é deste nome, se não venceu e se está instalado com a cadeia completa.",
		},
	},
	topicError(ErrorTimeout): {
		saying{
			"The receiver did not answer in time.", "The receiver should answer first and do its work afterwards; the attempt tells how far the request came.",
			"Your server did not answer in time. Please answer as soon as the message is stored, and do the work afterwards.",
		},
		saying{
			"O destino não respondeu a tempo.", "O destino deve responder primeiro e processar depois; a tentativa mostra até onde a requisição chegou.",
			"Seu servidor não respondeu a tempo. Por favor, responda assim que a mensagem for gravada e processe depois.",
		},
	},
	topicError(ErrorRefusedAddress): {
		saying{
			"Nothing was sent: the address policy refuses the URL or the address behind its name.", "Register a public https URL, or open the network with CARTEIRO_ALLOW_NETWORKS.",
			"Your URL leads to an address that we may not call, such as one of a private network. Please give us a public https address.",
		},
		saying{
			"Nada foi enviado: a política de endereços recusa a URL ou o endereço por trás do nome.", "Cadastre uma URL https pública ou libere a rede com CARTEIRO_ALLOW_NETWORKS.",
			"Sua URL leva a um endereço que não podemos chamar, como o de uma rede privada. Por favor, informe um endereço https público.",
		},
	},
	topicError(ErrorRedirect): {
		saying{
			"The receiver answered {status}, a redirect, and redirects are never followed.", "Register the final address; the attempt's Location header names it.",
			"Your server answered {status}, a redirect, which we do not follow. Please give us the final address.",
		},
		saying{
			"O destino respondeu {status}, um redirecionamento, e redirecionamentos nunca são seguidos.", "Cadastre o endereço final; o cabeçalho Location da tentativa o informa.",
			"Seu servidor respondeu {status}, um redirecionamento, que não seguimos. Por favor, informe o endereço final.",
		},
	},
	topicError(ErrorStatus): { // of a status that HTTP does not have
		saying{
			"The receiver answered {status}, which does not acknowledge.", "Look at the receiver's log.",
			"Your server answered {status} instead of 200. Please look at its log.",
		},
		saying{
			"O destino respondeu {status}, o que não confirma o recebimento.", "Consulte o log do destino.",
			"Seu servidor respondeu {status} em vez de 200. Por favor, consulte o log dele.",
		},
	},
	topicError(ErrorBodyTooLarge): {
		saying{
			"The status acknowledges, but the answer's body is too large to be the required one.", "The receiver should answer with the body that the subscription's ack.body names.",
			"Your server's answer is longer than the one that was agreed. Please answer with exactly the agreed body.",
		},
		saying{
			"O status confirma, mas o corpo da resposta é grande demais para ser o exigido.", "O destino deve responder com o corpo definido em ack.body da assinatura.",
			"A resposta do seu servidor é maior do que a combinada. Por favor, responda exatamente com o corpo combinado.",
		},
	},
	topicError(ErrorProtocol): {
		saying{
			"The connection broke, or the answer could not be read as HTTP.", "Look at the receiver's log, and check what listens at the address; the request may have been seen.",
			"The connection to your server broke, or its answer was not valid HTTP. Please look at its log; it may have seen the request.",
		},
		saying{
			"A conexão caiu ou a resposta não pôde ser lida como HTTP.", "Consulte o log do destino e confira o que responde nesse endereço; a requisição pode ter sido vista.",
			"A conexão com o seu servidor caiu ou a resposta não era HTTP válido. Por favor, consulte o log dele; a requisição pode ter chegado.",
		},
	},
	topicError(ErrorShutdown): {
		saying{
			"Carteiro itself was stopped while the request was under way; the receiver may have seen it.", "Nothing is to be mended at the receiver.",
			"The request was cut off on our side. Your server may have seen it: drop the repeat by its webhook-id.",
		},
		saying{
			"O próprio Carteiro foi parado durante a requisição; o destino pode tê-la visto.", "Não há nada a corrigir no destino.",
			"A requisição foi interrompida do nosso lado. Seu servidor pode tê-la visto: descarte a repetição pelo webhook-id.",
		},
	},

	// Why an attempt failed: a status that does not acknowledge.
	"status 200": {
		saying{
			"The receiver answered 200, but not with the body that the subscription requires.", "The receiver should answer with ack.body; or take require_body off.",
			"Your server answered 200, but not with the body that was agreed. Please answer with exactly the agreed body.",
		},
		saying{
			"O destino respondeu 200, mas não com o corpo que a assinatura exige.", "O destino deve responder com ack.body; ou desligue require_body.",
			"Seu servidor respondeu 200, mas não com o corpo combinado. Por favor, responda exatamente com o corpo combinado.",
		},
	},
	"status 2xx": {
		saying{
			"The receiver answered {status}, which does not acknowledge for this subscription.", "The receiver should answer exactly 200 with the agreed body; or set ack.status to 2xx.",
			"Your server answered {status}. Please answer exactly 200.",
		},
		saying{
			"O destino respondeu {status}, o que não confirma o recebimento nesta assinatura.", "O destino deve responder exatamente 200 com o corpo combinado; ou defina ack.status como 2xx.",
			"Seu servidor respondeu {status}. Por favor, responda exatamente 200.",
		},
	},
	"status 400": {
		saying{
			"The receiver answered 400: it did not understand the message.", "Compare the payload with what the receiver's code expects; its log says what it refused.",
			"Your server answered 400, so it did not understand the message. Please see in its log what was refused.",
		},
		saying{
			"O destino respondeu 400: não entendeu a mensagem.", "Compare o conteúdo com o que o código do destino espera; o log dele diz o que foi recusado.",
			"Seu servidor respondeu 400, ou seja, não entendeu a mensagem. Por favor, veja no log dele o que foi recusado.",
		},
	},
	"status 401": {
		saying{
			"The receiver answered 401: it refused the credentials or the signature.", "Check the subscription's headers and auth, and that the receiver verifies with the current signing secret.",
			"Your server answered 401. Please check the credentials that you gave us, and that you verify with the current signing secret.",
		},
		saying{
			"O destino respondeu 401: recusou as credenciais ou a assinatura.", "Confira os cabeçalhos e a autenticação da assinatura, e se o destino verifica com o segredo atual.",
			"Seu servidor respondeu 401. Por favor, confira as credenciais que nos informou e se a verificação usa o segredo atual.",
		},
	},
	"status 403": {
		saying{
			"The receiver, or a firewall before it, answered 403: the request is not allowed.", "Check the credentials, and that nothing in front of the receiver turns requests away.",
			"Your server, or a firewall before it, answered 403. Please let our requests through and check the credentials that you gave us.",
		},
		saying{
			"O destino, ou um firewall à frente dele, respondeu 403: a requisição não é permitida.", "Confira as credenciais e se nada à frente do destino barra as requisições.",
			"Seu servidor, ou um firewall à frente dele, respondeu 403. Por favor, libere as nossas requisições e confira as credenciais que nos informou.",
		},
	},
	"status 404": {
		saying{
			"The receiver answered 404: there is nothing at this path.", "Check the URL's path, and that the receiver's new version still has it.",
			"Your server answered 404: it has nothing at this path. Please check the path of the URL that you gave us.",
		},
		saying{
			"O destino respondeu 404: não há nada nesse caminho.", "Confira o caminho da URL e se a versão nova do destino ainda o atende.",
			"Seu servidor respondeu 404: não há nada nesse caminho. Por favor, confira o caminho da URL que nos informou.",
		},
	},
	"status 405": {
		saying{
			"The receiver answered 405: it does not take this method.", "Check the URL's path and the subscription's method, POST or PUT.",
			"Your server answered 405. Please accept the method that was agreed, POST or PUT, at this path.",
		},
		saying{
			"O destino respondeu 405: não aceita esse método.", "Confira o caminho da URL e o método da assinatura, POST ou PUT.",
			"Seu servidor respondeu 405. Por favor, aceite nesse caminho o método combinado, POST ou PUT.",
		},
	},
	"status 410": {
		saying{
			"The receiver answered 410: this address is gone for good.", "Ask the client for the new address; change or delete the subscription.",
			"Your server answered 410, which means that this address is gone for good. Please tell us the new one.",
		},
		saying{
			"O destino respondeu 410: esse endereço deixou de existir.", "Peça o novo endereço ao cliente; altere ou exclua a assinatura.",
			"Seu servidor respondeu 410, ou seja, esse endereço deixou de existir. Por favor, informe o novo.",
		},
	},
	"status 413": {
		saying{
			"The receiver answered 413: it takes only smaller messages.", "The receiver should raise its limit; an export's page can be made smaller with page_size and page_bytes.",
			"Your server answered 413: the message is too large for it. Please raise its limit.",
		},
		saying{
			"O destino respondeu 413: só aceita mensagens menores.", "O destino deve aumentar o limite; a página de uma exportação diminui com page_size e page_bytes.",
			"Seu servidor respondeu 413: a mensagem é grande demais para ele. Por favor, aumente o limite.",
		},
	},
	"status 429": {
		saying{
			"The receiver answered 429: too many requests in too short a time.", "Set a rate_limit on the subscription, or let the receiver raise its limit.",
			"Your server answered 429: we sent more than it takes. Please tell us how many requests a second it takes, or raise the limit.",
		},
		saying{
			"O destino respondeu 429: requisições demais em pouco tempo.", "Defina rate_limit na assinatura ou peça que o destino aumente o limite.",
			"Seu servidor respondeu 429: enviamos mais do que ele aceita. Por favor, informe quantas requisições por segundo ele aceita ou aumente o limite.",
		},
	},
	"status 4xx": {
		saying{
			"The receiver answered {status}: it did not take the request.", "Look at the receiver's log; the attempt shows what it answered.",
			"Your server answered {status} instead of 200. Please see in its log why it did not take the message.",
		},
		saying{
			"O destino respondeu {status}: não aceitou a requisição.", "Consulte o log do destino; a tentativa mostra o que ele respondeu.",
			"Seu servidor respondeu {status} em vez de 200. Por favor, veja no log dele por que a mensagem não foi aceita.",
		},
	},
	"status 502": gatewayWords, "status 503": gatewayWords, "status 504": gatewayWords,
	"status 5xx": {
		saying{
			"The receiver answered {status}: a fault on its own side.", "Look at the receiver's log for the time of the attempt.",
			"Your server answered {status}, a fault on its own side. Please look at its log for that time.",
		},
		saying{
			"O destino respondeu {status}: uma falha do próprio destino.", "Consulte o log do destino no horário da tentativa.",
			"Seu servidor respondeu {status}, uma falha dele próprio. Por favor, consulte o log nesse horário.",
		},
	},

	// What an acknowledged attempt is flagged with.
	topicWarning(WarningUnexpectedBody): {
		saying{"The answer's body was not the expected one.", `The receiver should answer {"status":"received"}, or the body that the subscription's ack.body names.`, ""},
		saying{"O corpo da resposta não foi o esperado.", `O destino deve responder {"status":"received"} ou o corpo definido em ack.body da assinatura.`, ""},
	},
	topicWarning(WarningBodyIncomplete): {
		saying{"The answer broke off behind its status line.", "Nothing is lost; the receiver should send its whole answer at once.", ""},
		saying{"A resposta foi interrompida depois da linha de status.", "Nada se perdeu; o destino deve enviar a resposta inteira de uma vez.", ""},
	},

	// Where a delivery stands.
	topicState(StatePending): {
		saying{"The delivery to {client} has just been made; its first attempt is due.", "", "The message {message} ({type}) is about to be sent to you."},
		saying{"A entrega para {client} acaba de ser criada; a primeira tentativa está para sair.", "", "A mensagem {message} ({type}) está para ser enviada."},
	},
	topicState(StateRetrying): {
		saying{"The delivery to {client} was tried {tries} without success and will be tried again.", "", "We sent you the message {message} ({type}) {tries}, and it was not acknowledged."},
		saying{"A entrega para {client} foi tentada {tries} sem sucesso e será tentada de novo.", "", "Enviamos a mensagem {message} ({type}) {tries}, sem confirmação de recebimento."},
	},
	topicState(StateSucceeded): {
		saying{"The receiver of {client} acknowledged the message on {finished}.", "", "Your server acknowledged the message {message} ({type}) on {finished}."},
		saying{"O destino de {client} confirmou o recebimento em {finished}.", "", "Seu servidor confirmou o recebimento da mensagem {message} ({type}) em {finished}."},
	},
	topicState(StateFailed): {
		saying{"The delivery to {client} has failed: it was sent {tries}, and the schedule is used up.", "When the cause is mended, retry the delivery, or all that failed at once with a replay job.", "We sent you the message {message} ({type}) {tries}, and it was not acknowledged."},
		saying{"A entrega para {client} falhou: foi enviada {tries} e não restam tentativas automáticas.", "Corrigida a causa, reenvie a entrega, ou tudo o que falhou de uma vez com um trabalho de reenvio.", "Enviamos a mensagem {message} ({type}) {tries}, sem confirmação de recebimento."},
	},
	topicHold(HoldPaused): {
		saying{"The delivery to {client} is held, because its subscription is paused.", "Resume the subscription.", "Sending to your URL is paused. The message {message} ({type}) is kept and is sent when it is resumed."},
		saying{"A entrega para {client} está retida, porque a assinatura está pausada.", "Retome a assinatura.", "O envio para a sua URL está pausado. A mensagem {message} ({type}) está guardada e será enviada na retomada."},
	},
	topicHold(HoldQuarantine): {
		saying{"The delivery to {client} is in quarantine: sending it made Carteiro itself crash three times.", "Report the crash with its log; a manual retry tries the delivery again.", "A fault on our side keeps the message {message} ({type}) back. It is kept, and we look into it."},
		saying{"A entrega para {client} está em quarentena: enviá-la derrubou o próprio Carteiro três vezes.", "Comunique a falha com o log; um reenvio manual tenta a entrega de novo.", "Uma falha do nosso lado está retendo a mensagem {message} ({type}). Ela está guardada e estamos apurando."},
	},
	topicCancel(""): {
		saying{"The delivery to {client} was canceled by an operator, or because its subscription was deleted.", "A canceled delivery is never sent; a replay of its event sends it as a new one.", "The message {message} ({type}) was canceled, and is not sent."},
		saying{"A entrega para {client} foi cancelada por um operador ou pela exclusão da assinatura.", "Uma entrega cancelada nunca é enviada; um reenvio do evento a envia como nova entrega.", "A mensagem {message} ({type}) foi cancelada e não será enviada."},
	},
	topicCancel(CancelErased): {
		saying{"The delivery to {client} was canceled, because the client's personal data were erased.", "", "The message {message} ({type}) was erased with the personal data, as was asked, and is not sent."},
		saying{"A entrega para {client} foi cancelada, porque os dados pessoais do cliente foram eliminados.", "", "A mensagem {message} ({type}) foi eliminada com os dados pessoais, como solicitado, e não será enviada."},
	},
	topicGone(GoneRetention): {
		saying{"The delivery to {client} has failed: its payload was removed on {gone}, at the end of its retention.", "There is nothing left to send; the platform can post the event again.", "The message {message} ({type}) is past the time that we keep messages for, and cannot be sent any more."},
		saying{"A entrega para {client} falhou: o conteúdo foi removido em {gone}, no fim do prazo de retenção.", "Não há mais o que enviar; a plataforma pode publicar o evento de novo.", "A mensagem {message} ({type}) passou do prazo em que guardamos mensagens e não pode mais ser enviada."},
	},
	topicGone(GoneErasure): {
		saying{"The delivery to {client} has failed: its payload was removed on {gone}, when the client's personal data were erased.", "", "The message {message} ({type}) was erased with the personal data, as was asked, and cannot be sent any more."},
		saying{"A entrega para {client} falhou: o conteúdo foi removido em {gone}, na eliminação dos dados pessoais do cliente.", "", "A mensagem {message} ({type}) foi eliminada com os dados pessoais, como solicitado, e não pode mais ser enviada."},
	},
	topicTestFailed: {
		saying{"The test of the subscription of {client} was not acknowledged.", "", "We sent you a test of {type}, and it was not acknowledged."},
		saying{"O teste da assinatura de {client} não foi confirmado.", "", "Enviamos um teste de {type}, sem confirmação de recebimento."},
	},

	// How it came to that.
	topicOfEvent: {
		saying{what: "The event {type} for {client} was accepted on {created}."},
		saying{what: "O evento {type} para {client} foi aceito em {created}."},
	},
	topicOfPage: {
		saying{what: "Page {page} of the run {run} ({type}) for {client} was released on {created}."},
		saying{what: "A página {page} da execução {run} ({type}) para {client} foi liberada em {created}."},
	},
	topicOfVerification: {
		saying{what: "A verification of {client} ended on {created}, and its result ({type}) goes to its callback."},
		saying{what: "Uma verificação de {client} terminou em {created}, e o resultado ({type}) vai para o callback."},
	},
	topicOfTest: {
		saying{what: "An operator asked for a test with the example of {type} on {created}."},
		saying{what: "Um operador pediu um teste com o exemplo de {type} em {created}."},
	},
	topicUntold: {
		saying{what: "{n} earlier attempts are not told here."}, saying{what: "{n} tentativas anteriores não são descritas aqui."},
	},
	topicUntoldOne: {
		saying{what: "{n} earlier attempt is not told here."}, saying{what: "{n} tentativa anterior não é descrita aqui."},
	},
	topicTimes: {saying{what: "{n} times"}, saying{what: "{n} vezes"}},
	topicOnce:  {saying{what: "once"}, saying{what: "uma vez"}},
	topicTrigger(TriggerAutomatic): {
		saying{what: "Attempt {number}, by the schedule, on {at}, took {took}."}, saying{what: "A tentativa {number}, automática, em {at}, levou {took}."},
	},
	topicTrigger(TriggerManual): {
		saying{what: "Attempt {number}, by an operator, on {at}, took {took}."}, saying{what: "A tentativa {number}, pedida por um operador, em {at}, levou {took}."},
	},
	topicTrigger(TriggerTest): {
		saying{what: "Attempt {number}, a test, on {at}, took {took}."}, saying{what: "A tentativa {number}, um teste, em {at}, levou {took}."},
	},
	topicAcknowledged: {
		saying{what: "The receiver answered {status} and so acknowledged the message."}, saying{what: "O destino respondeu {status} e assim confirmou o recebimento."},
	},
	topicEnded: {saying{what: "The delivery ended on {at}."}, saying{what: "A entrega terminou em {at}."}},

	// What comes next.
	topicInFlight: {
		saying{"An attempt is under way now.", "", "It is being sent again at this moment."}, saying{"Há uma tentativa em andamento agora.", "", "Ela está sendo enviada de novo neste momento."},
	},
	topicRetryDue: {
		saying{"A retry that an operator asked for is sent at once.", "", "We are sending it again now."}, saying{"O reenvio pedido por um operador sai imediatamente.", "", "Estamos enviando de novo agora."},
	},
	topicNextNow: {
		saying{"The next attempt is due now.", "", "We are sending it now."}, saying{"A próxima tentativa está para sair agora.", "", "Estamos enviando agora."},
	},
	topicNextAt: {
		saying{"The next attempt is on {at}, in {in}. If it fails too, {left} more follow, the last one on {end} or a little later.", "", "We send it again on {at}, and if need be {left} more times until {end}. It always has the same webhook-id, so that a repeat can be dropped."},
		saying{"A próxima tentativa é em {at}, daqui a {in}. Se também falhar, há mais {left}, a última em {end} ou pouco depois.", "", "Enviamos de novo em {at} e, se preciso, mais {left} vezes até {end}. O webhook-id é sempre o mesmo, para que uma repetição possa ser descartada."},
	},
	topicNextOne: {
		saying{"The next attempt is on {at}, in {in}. If it fails too, one more follows, on {end} or a little later.", "", "We send it again on {at}, and if need be once more on {end}. It always has the same webhook-id, so that a repeat can be dropped."},
		saying{"A próxima tentativa é em {at}, daqui a {in}. Se também falhar, há mais uma, em {end} ou pouco depois.", "", "Enviamos de novo em {at} e, se preciso, mais uma vez em {end}. O webhook-id é sempre o mesmo, para que uma repetição possa ser descartada."},
	},
	topicNextLast: {
		saying{"The next attempt is on {at}, in {in}. It is the last one of the schedule.", "", "We send it once more on {at}. It has the same webhook-id, so that a repeat can be dropped."},
		saying{"A próxima tentativa é em {at}, daqui a {in}. É a última automática.", "", "Enviamos mais uma vez em {at}. O webhook-id é o mesmo, para que uma repetição possa ser descartada."},
	},
	topicNextOf(StateHeld): {
		saying{what: "Nothing is sent while it is held, and nothing is lost."}, saying{what: "Nada é enviado enquanto estiver retida, e nada se perde."},
	},
	topicNextOf(StateSucceeded): {saying{what: "Nothing more is sent."}, saying{what: "Nada mais é enviado."}},
	topicNextOf(StateFailed): {
		saying{"Nothing more is sent unless an operator asks for it.", "", "We do not send it again by ourselves. Please tell us when the cause is mended, and we send it again with the same webhook-id."},
		saying{"Nada mais é enviado, a menos que um operador peça.", "", "Não a enviaremos de novo por conta própria. Avise-nos quando a causa for corrigida, e a enviamos com o mesmo webhook-id."},
	},
	topicNextGone: {
		saying{"Nothing can be sent any more: the payload was removed on {gone}.", "", "We do not keep the message any more, so it cannot be sent again."},
		saying{"Nada mais pode ser enviado: o conteúdo foi removido em {gone}.", "", "Não guardamos mais a mensagem, por isso ela não pode ser reenviada."},
	},
	topicNextOf(StateCanceled): {saying{what: "It is never sent."}, saying{what: "Ela nunca é enviada."}},
	topicNextNothing:           {saying{what: "A test is never sent again by itself."}, saying{what: "Um teste nunca é reenviado automaticamente."}},
}

var gatewayWords = entry{
	saying{
		"What stands before the receiver answered {status}: the receiver itself is down, overloaded or too slow.", "Check that the application behind the receiver's proxy or load balancer runs and answers in time.",
		"What stands before your server answered {status}. Please check that the application behind your proxy or load balancer runs and answers in time.",
	},
	saying{
		"O que fica à frente do destino respondeu {status}: o destino está fora do ar, sobrecarregado ou lento demais.", "Confira se a aplicação atrás do proxy ou balanceador do destino está no ar e responde a tempo.",
		"O que fica à frente do seu servidor respondeu {status}. Por favor, verifique se a aplicação atrás do proxy ou balanceador está no ar e responde a tempo.",
	},
}
