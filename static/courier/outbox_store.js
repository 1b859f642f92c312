// Reports on the phone's own disk (IndexedDB: they may hold photos), or in memory where a browser has none to give.

const NAME = "songda.reports";
const SHELF = "reports";

export async function openStore() {
  try {
    const base = await asked(Object.assign(indexedDB.open(NAME, 1), {
      onupgradeneeded: ({ target }) => target.result.createObjectStore(SHELF, { keyPath: "id" }),
    }));
    const shelf = (mode) => base.transaction(SHELF, mode).objectStore(SHELF);
    return {
      all: () => asked(shelf("readonly").getAll()),
      put: (report) => asked(shelf("readwrite").put(report)),
      remove: (id) => asked(shelf("readwrite").delete(id)),
    };
  } catch {
    return inMemory();
  }
}

export function inMemory() {
  const kept = new Map();
  return {
    all: async () => [...kept.values()],
    put: async (report) => { kept.set(report.id, report); },
    remove: async (id) => { kept.delete(id); },
  };
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
