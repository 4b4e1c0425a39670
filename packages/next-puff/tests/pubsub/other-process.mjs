// Publishes again what it hears.
import { pubsub } from 'next-puff/pubsub';

const connection = pubsub.subscribe('to the other');
await connection.ready();
console.log('listening');
const alive = setInterval(() => {}, 60_000);
for await (const message of connection) {
  const value = { text: message.text, binary: message.bytes, json: undefined }[message.kind];
  connection.publish('echo', value ?? message.json());
}
clearInterval(alive);
