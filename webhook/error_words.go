package webhook

// errorWords is what an error says that is not about a field: by its code, in
// the order of the table of codes.
func errorWords() []sentence {
	return []sentence{
		// bad requests
		{"The form is larger than a mebibyte.", "O formulário tem mais de um mebibyte."},
		{"The form or the query cannot be read.", "Não foi possível ler o formulário ou o endereço."},
		{"This address does not lead to a page of the list. Start at its first page.", "Este endereço não leva a uma página da lista. Comece pela primeira página."},
		{"The request was understood, but 1 field is not valid.", "O pedido foi entendido, mas 1 campo não é válido."},
		{"The request was understood, but {n} fields are not valid.", "O pedido foi entendido, mas {n} campos não são válidos."},

		// keys
		{"Sign in first.", "Entre primeiro."},
		{"There is no such key here. It may be another server's.", "Esta chave não existe aqui. Ela pode ser de outro servidor."},
		{"This key is not valid here. {why}", "Esta chave não é válida aqui. {why}"},
		{"A key begins with {start}.", "Uma chave começa com {start}."},
		{"A key has {n} characters, and this one has {m}: it was not copied exactly.", "Uma chave tem {n} caracteres, e esta tem {m}: não foi copiada exatamente."},
		{"The key's checksum is wrong: a character of it was changed.", "A soma de verificação da chave está errada: um caractere foi trocado."},
		{"The key {name} ({id}) expired at {at}. Ask an administrator for a new one.", "A chave {name} ({id}) venceu em {at}. Peça uma nova a um administrador."},
		{"The key {name} ({id}) was revoked at {at}. Ask an administrator for a new one.", "A chave {name} ({id}) foi revogada em {at}. Peça uma nova a um administrador."},
		{"Too many wrong keys came from this address. Wait {time} before the next try; a valid key works at once.", "Vieram chaves erradas demais deste endereço. Espere {time} antes da próxima tentativa; uma chave válida funciona na hora."},
		{"This key may make {n} requests a second, and each event of a batch counts as one. Nothing was done; send the request again after the time in Retry-After.", "Esta chave pode fazer {n} requisições por segundo. Nada foi feito; tente de novo em um instante."},
		{"Your key has the role {role}. This needs a key with one of these roles: {roles}.", "Sua chave tem o papel {role}. Isto exige uma chave com um destes papéis: {roles}."},
		{"Your key has the role {role}, and personal data are shown only to a key with the role admin.", "Sua chave tem o papel {role}, e dados pessoais só são mostrados a uma chave com o papel admin."},
		{"This concerns all clients, and your key is bound to client {client}. It needs a key that is not bound.", "Isto diz respeito a todos os clientes, e sua chave é restrita ao cliente {client}. É preciso uma chave sem restrição."},
		{"Your key is bound to client {client}, and can neither read nor write for another.", "Sua chave é restrita ao cliente {client}, e não pode ler nem escrever por outro."},
		{"A subscription to every client's events (\"*\") gets the data of all clients: only an admin's key may make or change one, or see its secret.", "Uma assinatura nos eventos de todos os clientes (\"*\") recebe os dados de todos: só a chave de um administrador pode criar ou alterar uma, ou ver o segredo dela."},

		// states
		{"There is no {kind} \"{id}\".", "Não existe {kind} \"{id}\"."},
		{"There is no page at this address.", "Não existe uma página neste endereço."},
		{"Subscription {id} was changed by another request at the same moment. Read it and try again.", "A assinatura {id} foi alterada por outra requisição no mesmo momento. Veja como ela está e tente de novo."},
		{"The secret of client {client} was changed by another request at the same moment. Try again.", "O segredo do cliente {client} foi alterado por outra requisição no mesmo momento. Tente de novo."},
		{"Export {name} is being changed by others at the moment. Try again.", "A exportação {name} está sendo alterada por outros neste momento. Tente de novo."},
		{"A rotation is under way: until {at} the secret before this one signs too. Read the present secret, wait until then, or send {\"overlap\":\"0s\"} to end all older secrets at once.", "Há uma troca em andamento: até {at} o segredo anterior também assina. Consulte o segredo atual, espere até lá ou use a sobreposição 0s para encerrar já os segredos antigos."},
		{"Verification {id} is {status} since {at} and cannot become {next}: a verification ends once.", "A verificação {id} está {status} desde {at} e não pode passar a {next}: uma verificação termina uma só vez."},
		{"Delivery {id} was canceled, and a canceled delivery is never sent. Replay its event to send it as a new delivery.", "A entrega {id} foi cancelada, e uma entrega cancelada nunca é enviada. Publique o evento de novo, por um replay, para enviá-lo como nova entrega."},
		{"Delivery {id} has already {kind}; only one that still waits can be canceled.", "A entrega {id} já {kind}; só uma que ainda espera pode ser cancelada."},
		{"The payload of message {id} {why}; there is nothing left to send.", "O conteúdo da mensagem {id} {why}; não há mais o que enviar."},
		{"The payload of delivery {id} {why}.", "O conteúdo da entrega {id} {why}."},
		{"The subscription of delivery {id} was deleted, and its secret with it: nothing can be signed any more. Replay its event to a subscription that is there.", "A assinatura da entrega {id} foi excluída, e com ela o segredo: nada mais pode ser assinado. Envie o evento, por um replay, a uma assinatura existente."},
		{"The subscription of delivery {id} was deleted, and its secret with it: nothing can be signed any more.", "A assinatura da entrega {id} foi excluída, e com ela o segredo: nada mais pode ser assinado."},
		{"Job {id} is {state}; only one that still works can be canceled.", "O trabalho {id} já terminou ({state}); só um que ainda está em andamento pode ser cancelado."},
		{"{slug} is the type of an export's pages, which Carteiro makes of the records at their time, and cannot be posted as an event or changed.", "{slug} é o tipo das páginas de uma exportação, que o próprio Carteiro gera, e não pode ser publicado como evento nem alterado."},
		{"{slug} is what a verification's callback gets when the verification ends, and cannot be posted as an event or changed.", "{slug} é o que o callback recebe no fim de uma verificação, e não pode ser publicado como evento nem alterado."},
		{"This Idempotency-Key was used before for another request. Use a new key, or repeat the first request unchanged.", "Este formulário já foi enviado antes com outro conteúdo. Abra-o de novo."},

		// the server
		{"Too many tests are under way in this process. Try again in a moment.", "Há testes demais em andamento. Tente de novo em um instante."},
		{"The database cannot be used at the moment. Send the request again later, with the same Idempotency-Key if it has one.", "O banco de dados está indisponível no momento. Tente de novo mais tarde."},
	}
}
