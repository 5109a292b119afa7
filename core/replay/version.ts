/** The version of the library, as in `package.json` (a test holds that): recordings say who made them. */
export const LIBRARY_VERSION = '0.1.0';
