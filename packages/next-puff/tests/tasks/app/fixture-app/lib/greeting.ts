import 'server-only';

export const GREETING = 'hello';
