import { defineConfig } from 'next-puff/config';

export default defineConfig({ requests: { deadlineMs: 0 } });
