import { NextResponse } from 'next/server';

export function proxy() {
  return NextResponse.next({ headers: { 'x-proxied': 'yes' } });
}

export const config = { matcher: '/api/proxied' };
