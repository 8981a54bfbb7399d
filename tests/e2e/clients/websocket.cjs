/* websocket.cjs URL - say three things to a WebSocket echo, through a proxy
 *
 * What is in API_KEY is sent as its authorization.
 * Prints what comes (long ones by their length), then "closed CODE". */
"use strict";
const WebSocket = require("ws");
const { HttpsProxyAgent } = require("https-proxy-agent");
const said = ["one", "two", "x".repeat(Number(process.env.LARGE || 70000))];
const { API_KEY } = process.env;
const socket = new WebSocket(process.argv[2], {
	agent: new HttpsProxyAgent(process.env.HTTP_PROXY),
	headers: API_KEY ? { authorization: "Bearer " + API_KEY } : {},
});

socket.on("message", (data) => {
	const text = data.toString();
	console.log(text.length > 99 ? text.length : text);
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
