import { defineConfig } from 'next-puff';

export default defineConfig({
  commands: {
    where: () => console.log(process.env.DATABASE_URL),
  },
});
