/* websocket.cjs URL - say three things to a WebSocket echo, through a proxy
 *
 * Prints what comes (long ones by their length), then "closed CODE". */
"use strict";
const WebSocket = require("ws");
const { HttpsProxyAgent } = require("https-proxy-agent");
const said = ["one", "two", "x".repeat(70000)];
const socket = new WebSocket(process.argv[2],
    { agent: new HttpsProxyAgent(process.env.HTTP_PROXY) });

socket.on("message", (data) => {
	const text = data.toString();
	console.log(text.length > 100 ? text.length : text);
	if (said.length > 0)
		socket.send(said.shift());
	else
		socket.close(1000);
});
socket.on("close", (code) => console.log("closed", code));
socket.on("error", (error) => {
	console.log("error: " + error.message);
	process.exit(1);
});
