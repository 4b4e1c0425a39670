import { defineConfig } from 'next-puff/config';

export default defineConfig({
  server: {
    websockets: { maxMessageBytes: 100_000, allowedOrigins: ['https://*.friends.example'] },
  },
});
