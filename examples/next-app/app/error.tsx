'use client';

import { useRouter } from 'next/navigation';
import { startTransition } from 'react';
import { MessagePage } from '@/components/message-page';
import { OUTAGE_DIGEST } from '@/polls/outage';

/** What a visitor sees when a page or an action fails. The error itself is in the server's log. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  const router = useRouter();
  const retry = () =>
    startTransition(() => {
      router.refresh();
      reset();
    });

  return error.digest === OUTAGE_DIGEST ? (
    <MessagePage title="The database cannot be reached">
      <p>
        The app itself is running. If it is yours: see that PostgreSQL is up and that{' '}
        <code>DATABASE_URL</code> is right; <code>npx next-puff doctor</code> says which it is. It
        reconnects by itself.
      </p>
      <button type="button" className="button" onClick={retry}>
        Try again
      </button>
    </MessagePage>
  ) : (
    <MessagePage title="Something went wrong here">
      <p>
        Nothing you did.{' '}
        {error.digest && (
          <>
            The server’s log has the details under <code>{error.digest}</code>.
          </>
        )}
      </p>
      <button type="button" className="button" onClick={retry}>
        Try again
      </button>
    </MessagePage>
  );
}
