package webhook

import "slices"

// faultWords is what can be wrong with a field, but for a URL. Of two rows that
// begin alike, the one that says more comes first.
func faultWords() []sentence {
	return slices.Concat(subscriptionFaultWords(), keyFaultWords(), exportFaultWords(), schemaFaultWords(), commonFaultWords())
}

func subscriptionFaultWords() []sentence {
	return []sentence{
		{"must name at least one event type, such as \"shop.*\" or \"*\"", "precisa ter pelo menos um tipo de evento, como \"shop.*\" ou \"*\""},
		{"{pattern} is no pattern: an exact slug, a prefix followed by \".*\", or \"*\"", "{pattern} não é um padrão: um slug exato, um prefixo seguido de \".*\" ou \"*\""},
		{"is no pattern: an exact slug, a prefix followed by \".*\", or \"*\"", "não é um padrão: um slug exato, um prefixo seguido de \".*\" ou \"*\""},
		{"must be lower-case words of letters, digits or '_', joined by dots, such as shop.product.redemption", "precisa ser de palavras minúsculas com letras, dígitos ou '_', unidas por pontos, como shop.product.redemption"},
		{"{slug} must be lower-case words of letters, digits or '_', joined by dots, such as shop.product.redemption", "{slug} não serve: use palavras minúsculas com letras, dígitos ou '_', unidas por pontos, como shop.product.redemption"},
		{"{value} is not allowed: POST or PUT", "{value} não é permitido: POST ou PUT"},
		{"{value} is not allowed: \"hmac\" or \"ed25519\"", "{value} não é permitido: \"hmac\" ou \"ed25519\""},
		{"is not allowed: \"hmac\" or \"ed25519\"", "não é permitido: \"hmac\" ou \"ed25519\""},
		{"{value} is not allowed: \"200\" or \"2xx\"", "{value} não é permitido: \"200\" ou \"2xx\""},
		{"{value} is not allowed: \"basic\" or \"bearer\"", "{value} não é permitido: \"basic\" ou \"bearer\""},
		{"{n} is not allowed: 1 to {max} requests a second, or 0 for no limit", "{n} não é permitido: de 1 a {max} requisições por segundo, ou 0 para não limitar"},
		{"needs ack.body: there is no body to require", "exige um corpo de confirmação, e nenhum foi informado"},
		{"is no HTTP header name", "não é um nome de cabeçalho HTTP"},
		{"is set by Carteiro or by HTTP itself and cannot be given", "é definido pelo Carteiro ou pelo próprio HTTP e não pode ser informado"},
		{"is given twice, in another case", "aparece duas vezes, com outra caixa de letras"},
		{"has a value with control characters or spaces at its ends", "tem um valor com caracteres de controle ou com espaços nas pontas"},
		{"{mark} stands for a stored value, but there is none under this name", "{mark} representa um valor guardado, mas não há nenhum com este nome"},
		{"makes an Authorization header longer than {max} bytes", "gera um cabeçalho Authorization com mais de {max} bytes"},
		{"cannot be set beside the static header Authorization: remove one of the two", "não pode existir junto com o cabeçalho fixo Authorization: remova um dos dois"},
		{"must not contain a colon (RFC 7617)", "não pode conter dois-pontos (RFC 7617)"},
		{"has control characters, or is not UTF-8", "tem caracteres de controle ou não é UTF-8"},
		{"belongs to the type \"bearer\"", "só vale para o tipo \"bearer\""},
		{"belongs to the type \"basic\"", "só vale para o tipo \"basic\""},
		{"must be printable ASCII without spaces; leave out the word Bearer", "precisa ser ASCII imprimível sem espaços; não inclua a palavra Bearer"},
		{"is missing, and the subscription names no event type exactly; it wants {types}", "é obrigatório, pois a assinatura não tem nenhum tipo de evento exato; ela quer {types}"},
		{"{slug} is no known event type", "{slug} não é um tipo de evento conhecido"},
		{"the result of a verification goes to the callback of its request, never to a subscription", "o resultado de uma verificação vai para o callback do pedido, nunca para uma assinatura"},
		{"subscription {id} does not want {slug}; its event_types are {types}", "a assinatura {id} não quer {slug}; os tipos de evento dela são {types}"},
		{"{slug} has no example to send; give it one with PUT /v1/event-types/{slug}", "{slug} não tem um exemplo para enviar; cadastre um no tipo de evento"},
		{"there is no subscription {id}", "não existe a assinatura {id}"},
		{"client {client} has no subscription \"{id}\"", "o cliente {client} não tem a assinatura \"{id}\""},
	}
}

func keyFaultWords() []sentence {
	return []sentence{
		{"must not be empty: it tells people whose key this is", "não pode ficar em branco: é o que diz de quem é a chave"},
		{"{role} is no role; roles are admin, operator, producer and viewer", "{role} não é um papel; os papéis são admin, operator, producer e viewer"},
		{"{at} is over: the key could never be used", "{at} já passou: a chave nunca poderia ser usada"},
		{"{n} is not allowed: from 0 (any number) to {max} requests a second", "{n} não é permitido: de 0 (sem limite) a {max} requisições por segundo"},
		{"an admin's key sees all clients; take another role for a key of one client", "a chave de um administrador vê todos os clientes; escolha outro papel para a chave de um só cliente"},
	}
}

func exportFaultWords() []sentence {
	return []sentence{
		{"{rule} is no window rule: previous_day, previous_week_mon_sun or since_last_run", "{rule} não é uma regra de janela: previous_day, previous_week_mon_sun ou since_last_run"},
		{"{n} is not allowed: 1 to {max} records", "{n} não é permitido: de 1 a {max} registros"},
		{"{n} is not allowed: {min} to {max} bytes", "{n} não é permitido: de {min} a {max} bytes"},
		{"{end} is before start_date, {start}", "{end} é antes do primeiro dia, {start}"},
		{"{day} is in the future; today is {today} at {zone}", "{day} está no futuro; hoje é {today} em {zone}"},
		{"is missing: a day such as 2025-06-15", "não pode ficar em branco: um dia, como 2025-06-15"},
		{"{day} is no day: write it as 2025-06-15", "{day} não é um dia: escreva como 2025-06-15"},
		{"client {client} has no subscription to {type}: nobody would get the pages", "o cliente {client} não tem assinatura em {type}: ninguém receberia as páginas"},
		{"subscription {id} does not want {type}; its event_types are {types}", "a assinatura {id} não quer {type}; os tipos de evento dela são {types}"},
		{"{zone} is no fixed offset from UTC: write it as -03:00", "{zone} não é uma diferença fixa do UTC: escreva como -03:00"},
		{"{zone} is no offset from UTC that is in use: -12:00 to +14:00", "{zone} não é uma diferença do UTC em uso: de -12:00 a +14:00"},
		{"{cron} is no cron expression: five fields (minute hour day month weekday), or six with seconds first", "{cron} não é uma expressão cron: cinco campos (minuto hora dia mês dia-da-semana), ou seis com os segundos primeiro"},
		{"{cron} is no cron expression: {why}", "{cron} não é uma expressão cron: {why}"},
		{"{cron}: this names no time within five years", "{cron} não indica nenhum momento nos próximos cinco anos"},
	}
}

// schemaFaultWords is what is wrong with an event type and with data by its
// schema.
func schemaFaultWords() []sentence {
	return []sentence{
		{"must be 1 to 200 bytes long: it goes on the wire", "precisa ter de 1 a 200 bytes: vai na mensagem enviada"},
		{"{value} is no envelope: event_data or none", "{value} não é um envelope: event_data ou none"},
		{"{slug} is the type of an export's pages, which Carteiro makes of the records at their time, and cannot be posted as an event or changed", "{slug} é o tipo das páginas de uma exportação, que o próprio Carteiro gera, e não pode ser publicado como evento nem alterado"},
		{"{slug} is what a verification's callback gets when the verification ends, and cannot be posted as an event or changed", "{slug} é o que o callback recebe no fim de uma verificação, e não pode ser publicado como evento nem alterado"},
		{"is no JSON Schema 2020-12: {why}", "não é um JSON Schema 2020-12: {why}"},
		{"is not valid JSON: {why}", "não é JSON válido: {why}"},
		{"unexpected end of JSON input", "o texto termina antes do fim do JSON"},
		{"invalid character {c} looking {rest}", "o caractere {c} não é esperado"},
		{"invalid character {c} after {rest}", "o caractere {c} não é esperado"},
		{"invalid character {c} in {rest}", "o caractere {c} não é esperado"},
		{"cannot be checked: {why}", "não pode ser conferido: {why}"},
		{"is missing: it must be there when {name} is", "não pode faltar quando {name} está presente"},
		{"is missing", "não pode faltar"},
		{"is not a field of this event type", "não é um campo deste tipo de evento"},
		{"meets none of the alternatives: {whylist}", "não atende a nenhuma das alternativas: {whylist}"},
		{"must have the form {form}", "precisa ter a forma {form}"},
		{"must match the pattern {form}", "precisa seguir o padrão {form}"},
		{"must be at least {kind} long, but has {n}", "precisa ter pelo menos {kind}, mas tem {n}"},
		{"must be at most {kind} long, but has {n}", "pode ter no máximo {kind}, mas tem {n}"},
		{"must have at least {kind} of a kind, but has {n}", "precisa ter pelo menos {kind} de um tipo, mas tem {n}"},
		{"must have at most {kind} of a kind, but has {n}", "pode ter no máximo {kind} de um tipo, mas tem {n}"},
		{"must have at least {kind}, but has {n}", "precisa ter pelo menos {kind}, mas tem {n}"},
		{"must have at most {kind}, but has {n}", "pode ter no máximo {kind}, mas tem {n}"},
		{"must not have the same element twice: elements {i} and {j} are the same", "não pode ter o mesmo elemento duas vezes: os elementos {i} e {j} são iguais"},
		{"has the field {name}, whose name is not allowed", "tem o campo {name}, cujo nome não é permitido"},
		{"must be at least {n}", "precisa ser pelo menos {n}"},
		{"must be at most {n}", "pode ser no máximo {n}"},
		{"must be more than {n}", "precisa ser maior que {n}"},
		{"must be less than {n}", "precisa ser menor que {n}"},
		{"must be a multiple of {n}", "precisa ser múltiplo de {n}"},
		{"has no element of the kind that it must have", "não tem nenhum elemento do tipo que precisa ter"},
		{"has {kind} too many", "tem a mais: {kind}"},
		{"is not allowed here", "não é permitido aqui"},
		{"is what the schema excludes", "é o que o schema exclui"},
		{"must meet exactly one alternative, but meets {i} and {j}", "precisa atender a exatamente uma alternativa, mas atende à {i} e à {j}"},
		{"must be encoded as {form}", "precisa estar codificado como {form}"},
		{"must hold {form}", "precisa conter {form}"},
	}
}

// commonFaultWords comes last: its rows say the least.
func commonFaultWords() []sentence {
	return []sentence{
		{"must not be empty", "não pode ficar em branco"},
		{"{id} is no client id: 1 to 64 letters, digits, '.', '_' or '-'", "{id} não é um id de cliente: de 1 a 64 letras, dígitos, '.', '_' ou '-'"},
		{"is {n} bytes long; at most {max} are allowed", "tem {n} bytes; o máximo é {max}"},
		{"is longer than {max} bytes", "tem mais de {max} bytes"},
		{"has {n} entries; at most {max} are allowed", "tem {n} itens; o máximo é {max}"},
		{"must be valid UTF-8 without the character U+0000", "precisa ser UTF-8 válido, sem o caractere U+0000"},
		{"{text} is no duration: write a number and a unit, such as 500ms, 15s, 5m or 1h", "{text} não é uma duração: escreva um número e uma unidade, como 500ms, 15s, 5m ou 1h"},
		{"{n} is not allowed: from {min} to {max}", "{n} não é permitido: de {min} a {max}"},
		{"{value} is not allowed: COMPLETED or FAILED", "{value} não é permitido: COMPLETED ou FAILED"},
		{"{value} is not allowed: retry or replay", "{value} não é permitido: retry ou replay"},
		{"{n} is not allowed: 1 to {max} a second, or 0 for as fast as there is room", "{n} não é permitido: de 1 a {max} por segundo, ou 0 para o mais rápido possível"},
		{"{n} is not allowed: 1 to {max}", "{n} não é permitido: de 1 a {max}"},
		{"{id} is no id of a subscription", "{id} não é um id de assinatura"},
		{"{id} is no id of a run", "{id} não é um id de execução"},
		{"{id} is no id of an event", "{id} não é um id de evento"},
		{"{state} is no state of a delivery", "{state} não é um estado de entrega"},
		{"must be after since", "precisa ser depois do início do período"},
		{"the pages of a run cannot be replayed; retry them, or start a run for the same days", "as páginas de uma execução não podem ser publicadas de novo; reenvie-as ou inicie uma execução dos mesmos dias"},
		{"a replay needs a client_id or a subscription_id", "um replay precisa de um cliente ou de uma assinatura"},
		{"a canceled delivery is never sent; send its event as a new delivery with kind replay", "uma entrega cancelada nunca é enviada; envie o evento como nova entrega, por um replay"},
		{"selects everything there ever was; name a client_id, a subscription_id, a run_id, event_ids or since", "seleciona tudo o que já existiu; informe um cliente, uma assinatura, uma execução, eventos ou o início do período"},
		{"\"{value}\" {whyslug}", "\"{value}\" {whyslug}"},
		{"must be {kind}, but is {kinds}", "precisa ser {kind}, mas é {kinds}"},
		{"must be one of {list}", "precisa ser um destes: {list}"},
		{"must be {value}", "precisa ser {value}"},
	}
}
