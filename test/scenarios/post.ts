/** The fixture's post under its former place, for tests that were not renamed yet. */
export { post, type Answer, type PostOptions } from "../fixture/post";
