/* h2_origin.cjs - an HTTP/2 server without TLS that tells what it was sent
 *
 * Prints "port N". A body is sent back, as fast as it is taken; /trailers ends
 * with a trailer; else JSON: method, path, fields, length of the body. KEY_FIELD
 * and KEY: without that field a request gets 401. WEBSOCKETS: extended CONNECT
 * (RFC 8441) is offered, and every message echoed after a first "hello". */
"use strict";
const http2 = require("node:http2");
const { KEY_FIELD, KEY, WEBSOCKETS } = process.env;
const server = http2.createServer({
	settings: { enableConnectProtocol: Boolean(WEBSOCKETS) } });

function converse(stream) {
	const WebSocket = require("ws");
	const socket = new WebSocket(null, undefined, {});

	stream.respond({ ":status": 200 });
	socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 1 << 20 });
	socket.send("hello");
	socket.on("message", (data, binary) => socket.send(data, { binary }));
}

server.on("stream", (stream, fields) => {
	stream.on("error", () => {});
	if (KEY && fields[KEY_FIELD] !== KEY) {
		stream.respond({ ":status": 401 });
		stream.end("no key");
		return;
	}
	if (fields[":protocol"] === "websocket") {
		converse(stream);
		return;
	}
	if (fields[":path"] === "/echo") {
		stream.respond({ ":status": 200 });
		stream.pipe(stream);
		return;
	}
	if (fields[":path"] === "/trailers") {
		stream.respond({ ":status": 200 }, { waitForTrailers: true });
		stream.on("wantTrailers", () =>
			stream.sendTrailers({ "x-last": "yes" }));
		stream.end("before");
		return;
	}
	let length = 0;
	stream.on("data", (data) => { length += data.length; });
	stream.on("end", () => {
		const shown = { ...fields };
		if (KEY)
			shown[KEY_FIELD] = "the key";
		stream.respond({ ":status": 200,
			"content-type": "application/json" });
		stream.end(JSON.stringify({ m: fields[":method"],
			p: fields[":path"], h: shown, n: length }));
	});
});
server.listen(0, "127.0.0.1", () => console.log("port " +
	server.address().port));
