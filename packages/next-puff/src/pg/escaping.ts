/** Quotes a name for use in SQL. */
export function escapeIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text for use in SQL; what is not a string becomes the empty text, as in node-postgres. */
export function escapeLiteral(text: string): string {
  if (typeof text !== 'string') return "''";
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}
