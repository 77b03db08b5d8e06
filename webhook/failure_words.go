package webhook

// failureWords is what the log of an attempt says of its failure.
func failureWords() []sentence {
	return []sentence{
		{"Not sent. {why}", "Não foi enviado. {why}"},
		{"The method is not allowed: POST or PUT.", "O método não é permitido: POST ou PUT."},
		{"Carteiro was stopped while this request was under way. The receiver may have seen it.", "O Carteiro foi parado enquanto esta requisição estava em andamento. O destino pode tê-la recebido."},
		{"The request could not be written. Check the subscription's headers.", "Não foi possível escrever a requisição. Confira os cabeçalhos da assinatura."},

		// The name and the connection.
		{"The name {host} does not exist or has no address. Check the URL's spelling and the name's DNS records.", "O nome {host} não existe ou não tem endereço. Confira a grafia da URL e os registros DNS do nome."},
		{"The name servers did not answer for {host} in time. Check the name's DNS, and this machine's.", "Os servidores de nomes não responderam por {host} a tempo. Confira o DNS do nome e o desta máquina."},
		{"The name {host} could not be looked up. Check the name's DNS, and this machine's.", "Não foi possível consultar o nome {host}. Confira o DNS do nome e o desta máquina."},
		{"Nothing listens at {addr}: the connection was refused. Check that the server runs, and the URL's port.", "Nada escuta em {addr}: a conexão foi recusada. Confira se o servidor está no ar e a porta da URL."},
		{"There is no way to {addr} from this machine. Check the address, and this machine's network.", "Não há caminho desta máquina até {addr}. Confira o endereço e a rede desta máquina."},
		{"This machine has no file handle or port left for another connection. Raise its limits, or send less at once.", "Esta máquina não tem mais descritores de arquivo ou portas para outra conexão. Aumente os limites ou envie menos de uma vez."},
		{"No connection to {addr}. Check that the server runs and that no firewall is in between.", "Sem conexão com {addr}. Confira se o servidor está no ar e se não há um firewall no caminho."},

		// TLS.
		{"The server's certificate is not signed by an authority that this machine trusts. Install the full chain, with the intermediate certificates.", "O certificado do servidor não é assinado por uma autoridade em que esta máquina confia. Instale a cadeia completa, com os certificados intermediários."},
		{"The server's certificate is for another name than {host}. Install one for this name, or correct the URL.", "O certificado do servidor é de outro nome que não {host}. Instale um deste nome ou corrija a URL."},
		{"The server's certificate has expired or is not valid yet. Renew it, and check the clocks.", "O certificado do servidor venceu ou ainda não é válido. Renove-o e confira os relógios."},
		{"The server's certificate is not valid for a web server. Install another one.", "O certificado não vale para um servidor web. Instale outro."},
		{"The server does not speak TLS at this port. Check the URL's port and scheme.", "O servidor não fala TLS nesta porta. Confira a porta e o esquema da URL."},
		{"The TLS handshake failed. The server must offer TLS 1.2 or newer with a certificate for {host}.", "A negociação TLS falhou. O servidor precisa oferecer TLS 1.2 ou mais novo, com um certificado de {host}."},
		{"The server ended the TLS session before it answered. It may ask for a client certificate, which Carteiro does not have.", "O servidor encerrou a sessão TLS antes de responder. Ele pode pedir um certificado de cliente, que o Carteiro não tem."},

		// The time.
		{"No answer within {time}; there was no connection yet.", "Sem resposta em {time}; ainda não havia conexão."},
		{"No answer within {time}: the name servers did not answer in time. Check the name's DNS.", "Sem resposta em {time}: os servidores de nomes não responderam a tempo. Confira o DNS do nome."},
		{"No answer within {time}: the server took the request and did not answer. Answer first and work afterwards.", "Sem resposta em {time}: o servidor recebeu a requisição e não respondeu. Responda primeiro e processe depois."},
		{"No answer within {time}: the server began an answer and did not finish it. Send the whole answer at once.", "Sem resposta em {time}: o servidor começou uma resposta e não a terminou. Envie a resposta inteira de uma vez."},
		{"No answer within {time}: {addr} did not take the connection. Check that the server runs and that no firewall drops the packets.", "Sem resposta em {time}: {addr} não aceitou a conexão. Confira se o servidor está no ar e se nenhum firewall descarta os pacotes."},
		{"No answer within {time}: {addr} took the connection, but the TLS handshake did not end. Check that the port speaks TLS.", "Sem resposta em {time}: {addr} aceitou a conexão, mas a negociação TLS não terminou. Confira se a porta fala TLS."},
		{"No answer within {time}: {addr} took the connection, but did not read the whole request.", "Sem resposta em {time}: {addr} aceitou a conexão, mas não leu a requisição inteira."},

		// The answer.
		{"The answer could not be read as HTTP/1.1, or its headers are longer than 64 KiB. Check what listens at this address.", "A resposta não pôde ser lida como HTTP/1.1, ou tem cabeçalhos de mais de 64 KiB. Confira o que escuta neste endereço."},
		{"The connection broke before an answer came. The receiver may have seen the request; look at its log.", "A conexão caiu antes de vir uma resposta. O destino pode ter recebido a requisição; consulte o log dele."},
		{"The server closed a kept connection just when the request was written to it, so no answer came. This passes by itself; it is rarer when the server keeps idle connections for longer than 5 seconds.", "O servidor fechou uma conexão mantida bem quando a requisição era escrita, por isso não veio resposta. Isso passa sozinho; é mais raro quando o servidor mantém conexões ociosas por mais de 5 segundos."},
		{"The server wants to switch to another protocol, which was not asked for. Check what listens at this address.", "O servidor quer mudar para outro protocolo, o que não foi pedido. Confira o que escuta neste endereço."},
		{"The status acknowledges, but the answer's body is too large to be the required one. Answer with the body that the subscription's ack.body names.", "O status confirma, mas o corpo da resposta é grande demais para ser o exigido. Responda com o corpo que a assinatura exige."},
		{"The status acknowledges, but the connection broke before the required body was read. Look at the receiver's log.", "O status confirma, mas a conexão caiu antes de o corpo exigido ser lido. Consulte o log do destino."},
		{"The server answered with status {status}, which HTTP does not have. Check what listens at this address.", "O servidor respondeu com o status {status}, que não existe em HTTP. Confira o que escuta neste endereço."},
		{"The server answered {status}, a redirect, and redirects are never followed. Register the final address; the answer's Location header names it.", "O servidor respondeu {status}, um redirecionamento, e redirecionamentos nunca são seguidos. Cadastre o endereço final; o cabeçalho Location da resposta o informa."},
		{"The server answered {status}, which acknowledges, but its body is not the one that the subscription requires (ack.body with require_body). Answer with that body, or take require_body off.", "O servidor respondeu {status}, o que confirma, mas o corpo não é o que a assinatura exige. Responda com esse corpo ou deixe de exigi-lo."},
		{"The server answered {status}, but this subscription is acknowledged by 200 only. Answer 200, or set ack.status to \"2xx\".", "O servidor respondeu {status}, mas esta assinatura só é confirmada por 200. Responda 200 ou aceite qualquer 2xx na assinatura."},
		{"The server answered {status}. Check the credentials in the subscription's headers, and that nothing in front of the receiver turns requests away.", "O servidor respondeu {status}. Confira as credenciais nos cabeçalhos da assinatura, e se nada à frente do destino barra as requisições."},
		{"The server answered {status}. Check the URL's path and the subscription's method.", "O servidor respondeu {status}. Confira o caminho da URL e o método da assinatura."},
		{"The server answered {status}. Check the URL's path.", "O servidor respondeu {status}. Confira o caminho da URL."},
		{"The server answered {status}: the receiver says that this address is gone for good. Change or delete the subscription.", "O servidor respondeu {status}: o destino diz que este endereço não existe mais. Altere ou exclua a assinatura."},
		{"The server answered {status}: the receiver takes only smaller bodies. Raise its limit.", "O servidor respondeu {status}: o destino só aceita corpos menores. Aumente o limite dele."},
		{"The server answered {status}. Set a rate_limit on the subscription, or raise the receiver's limit.", "O servidor respondeu {status}. Defina um limite de requisições por segundo na assinatura ou aumente o limite do destino."},
		{"The server answered {status}. The fault is on the receiver's side; look at its log.", "O servidor respondeu {status}. A falha está do lado do destino; consulte o log dele."},
		{"The server answered {status}. The receiver did not take the request; look at its log.", "O servidor respondeu {status}. O destino não aceitou a requisição; consulte o log dele."},
		{WarningUnexpectedBody, "confirmada sem o corpo esperado"},
		{WarningBodyIncomplete, "confirmada, mas o corpo da resposta não terminou"},
	}
}
