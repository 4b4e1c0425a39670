/** Names and values of headers, divided by NUL, as the native core reads them. */
export function packHeaders(headers: Headers): string {
  const parts: string[] = [];
  headers.forEach((value, name) => {
    if (name !== 'set-cookie') parts.push(name, value);
  });
  for (const cookie of headers.getSetCookie()) parts.push('set-cookie', cookie);
  return parts.join('\0');
}
