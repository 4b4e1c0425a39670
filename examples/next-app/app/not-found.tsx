import type { Metadata } from 'next';
import Link from 'next/link';
import { MessagePage } from '@/components/message-page';

export const metadata: Metadata = { title: 'Not found' };

export default function NotFoundPage() {
  return (
    <MessagePage title="There is no such page">
      <p>The question may have been removed, or the address is not quite right.</p>
      <Link className="button" href="/">
        See all questions
      </Link>
    </MessagePage>
  );
}
