import { contextName, record } from '@/lib/record';
import { Buttons } from './buttons';

export const dynamic = 'force-dynamic';

export default function Page() {
  const secret = 'closed over';

  async function inline(form: FormData) {
    'use server';
    record(`inline: ${contextName()}, ${secret}, ${form.get('word')}`);
  }

  const arrow = async () => {
    'use server';
    record(`inline arrow: ${contextName()}, ${secret}`);
  };

  return (
    <>
      <form id="inline" action={inline} />
      <form id="arrow" action={arrow} />
      <Buttons />
    </>
  );
}
