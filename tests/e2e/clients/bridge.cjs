/* bridge.cjs - what people write so that Node programs reach a host service
 *
 * Node's http takes no notice of HTTP_PROXY: listen on this machine and pass
 * every request to the proxy, in absolute-form, with Host set. */
"use strict";
const http = require("node:http");
const proxy = new URL(process.env.HTTP_PROXY);
const target = "localhost:12434";

http.createServer((request, answer) => {
	const asked = http.request({ host: proxy.hostname, port: proxy.port,
		method: request.method, path: `http://${target}${request.url}`,
		headers: { ...request.headers, host: target } }, (got) => {
		answer.writeHead(got.statusCode, got.headers);
		got.pipe(answer);
	});
	asked.on("error", (e) => answer.writeHead(502).end(e.message));
	request.pipe(asked);
}).listen(54321, "127.0.0.1");
