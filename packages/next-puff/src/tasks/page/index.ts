export { type TasksPageOptions, tasksPage } from './tasks-page.js';
