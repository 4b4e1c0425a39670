import { defineConfig } from 'next-puff/config';

export default defineConfig({ server: { metrics: { path: '/metrics' } } });
