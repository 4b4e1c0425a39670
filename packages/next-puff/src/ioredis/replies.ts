/** Makes the bytes of a reply into text, at any depth. */
export function replyText(reply: unknown): unknown {
  if (reply instanceof Uint8Array) return asText(reply);
  return Array.isArray(reply) ? reply.map(replyText) : reply;
}

/** Makes the integers of a reply into text, at any depth, for `stringNumbers`. */
export function replyNumbersAsText(reply: unknown): unknown {
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply);
  return Array.isArray(reply) ? reply.map(replyNumbersAsText) : reply;
}

/** The shape that a command's reply has in ioredis, where that is not the wire's. */
export function shapeReply(name: string, reply: unknown): unknown {
  if (name !== 'hgetall' || !Array.isArray(reply)) return reply;
  const record: Record<string, unknown> = {};
  for (let place = 0; place < reply.length; place += 2) {
    const [field, value] = [String(reply[place]), reply[place + 1]];
    // Assigned, a field `__proto__` would change the object itself.
    if (field in record) {
      Object.defineProperty(record, field, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    } else {
      record[field] = value;
    }
  }
  return record;
}

export function asText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

export function textOf(reply: unknown): string {
  return reply instanceof Uint8Array ? asText(reply) : String(reply);
}

export function bytesOf(reply: unknown): Buffer {
  if (!(reply instanceof Uint8Array)) return Buffer.from(String(reply));
  return Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength);
}

/** Makes the bytes of a reply into Buffers, at any depth. */
export function replyBuffers(reply: unknown): unknown {
  if (typeof reply === 'string') return Buffer.from(reply);
  if (reply instanceof Uint8Array) return bytesOf(reply);
  return Array.isArray(reply) ? reply.map(replyBuffers) : reply;
}
