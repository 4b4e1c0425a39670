export { settings } from './published-settings.cjs';
