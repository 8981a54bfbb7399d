/* h2_websocket.cjs URL - as websocket.cjs, in a stream of HTTP/2 (RFC 8441)
 *
 * Node's own HTTP/2 and frames (RFC 6455) by hand, since ws speaks HTTP/1.1
 * alone to servers; certificates are those of NODE_EXTRA_CA_CERTS. */
"use strict";
const http = require("node:http");
const http2 = require("node:http2");
const tls = require("node:tls");
const url = new URL(process.argv[2].replace(/^wss/, "https"));
const proxy = new URL(process.env.HTTPS_PROXY);
const said = ["one", "two", "x".repeat(Number(process.env.LARGE || 70000))];

function fail(error) {
	console.log("error: " + error.message);
	process.exit(1);
}

/* Masked by zeros, which changes nothing of it. */
function frame(code, bytes) {
	const n = bytes.length;
	const head = Buffer.alloc(n < 126 ? 6 : n < 65536 ? 8 : 14);
	head[0] = 0x80 | code;
	head[1] = 0x80 | (n < 126 ? n : n < 65536 ? 126 : 127);
	if (n >= 65536)
		head.writeBigUInt64BE(BigInt(n), 2);
	else if (n >= 126)
		head.writeUInt16BE(n, 2);
	return Buffer.concat([head, bytes]);
}

/* [code, bytes, length of the frame], or null: more is to come. */
function parse(data) {
	if (data.length < 10 && data.length < 2 + (data[1] & 127))
		return null;
	let n = data[1] & 127, at = 2;
	if (n === 126) {
		n = data.readUInt16BE(2);
		at = 4;
	} else if (n === 127) {
		n = Number(data.readBigUInt64BE(2));
		at = 10;
	}
	return data.length < at + n ? null :
	    [data[0] & 15, data.subarray(at, at + n), at + n];
}

function heard(stream, code, bytes) {
	if (code === 8) {
		console.log("closed", bytes.readUInt16BE(0));
		stream.end();
		process.exit(0);
	}
	const text = bytes.toString();
	console.log(text.length > 99 ? text.length : text);
	if (said.length > 0)
		stream.write(frame(1, Buffer.from(said.shift())));
	else
		stream.write(frame(8, Buffer.from([3, 232])));
}

function converse(session) {
	const stream = session.request({ ":method": "CONNECT",
		":protocol": "websocket", ":scheme": "https",
		":authority": url.host, ":path": url.pathname,
		"sec-websocket-version": "13",
		authorization: "Bearer " + process.env.API_KEY },
	    { endStream: false });
	let data = Buffer.alloc(0);

	stream.on("error", fail);
	stream.on("response", (fields) => {
		if (fields[":status"] !== 200)
			fail(new Error("status " + fields[":status"]));
	});
	stream.on("data", (more) => {
		data = Buffer.concat([data, more]);
		for (let got; data.length >= 2 && (got = parse(data));) {
			data = data.subarray(got[2]);
			heard(stream, got[0], got[1]);
		}
	});
}

http.request({ host: proxy.hostname, port: proxy.port, method: "CONNECT",
	path: url.host, headers: { Host: url.host } }).on("connect", (answer, socket) => {
	if (answer.statusCode !== 200)
		fail(new Error("proxy: " + answer.statusCode));
	const secure = tls.connect({ socket, servername: url.hostname,
		ALPNProtocols: ["h2"] }, () => {
		const session = http2.connect(url.origin, {
			createConnection: () => secure });
		session.on("error", fail);
		session.once("remoteSettings", (settings) => {
			if (!settings.enableConnectProtocol)
				fail(new Error("no extended CONNECT"));
			converse(session);
		});
	});
	secure.on("error", fail);
}).on("error", fail).end();
