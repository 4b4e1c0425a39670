//! Whether a plan needs JavaScript.

use apollo_compiler::ast::OperationType;

use super::field::{Field, Layer, Source};
use super::planner::{Plan, Planner};
use super::statement::StatementPlan;

/// Layers of abstract types are planned when objects of a type turn up, because there may be very
/// many: after so many layers it is not known whether one of the others needs JavaScript.
const MAX_LAYERS: usize = 1_000;

/// Looks for a field that JavaScript has to resolve.
pub(super) struct ScriptNeed<'p> {
    planner: &'p Planner<'p>,
    plan: &'p Plan,
    layers: usize,
}

impl<'p> ScriptNeed<'p> {
    pub(super) fn new(planner: &'p Planner<'p>, plan: &'p Plan) -> ScriptNeed<'p> {
        ScriptNeed {
            planner,
            plan,
            layers: 0,
        }
    }

    /// Whether there may be one; always, if there is too much to look at.
    pub(super) fn find(mut self) -> bool {
        self.is_in(&self.plan.root, true)
    }

    fn is_in(&mut self, layer: &Layer, is_root: bool) -> bool {
        self.layers += 1;
        self.layers > MAX_LAYERS
            || layer.fields.iter().any(|field| {
                self.is_at(field, is_root)
                    || (0..field.children.len()).any(|index| {
                        let child = self.planner.child(self.plan, layer, field, index);
                        self.is_in(child, false)
                    })
            })
    }

    fn is_at(&self, field: &Field, is_root: bool) -> bool {
        match &field.source {
            Source::Typename | Source::Introspection | Source::Part(_) => false,
            // A subscription has its event as root value; others have none but JavaScript's.
            Source::Default | Source::Column(_) => {
                is_root && self.plan.kind != OperationType::Subscription
            }
            Source::Statement(statement) => statement.needs_context,
            Source::Connection(connection) => {
                let statements = [
                    Some(&connection.forward),
                    Some(&connection.backward),
                    connection.total.as_ref(),
                ];
                let mut statements = statements.into_iter().flatten();
                statements.any(|statement: &std::sync::Arc<StatementPlan>| statement.needs_context)
            }
            Source::Layer(_) | Source::Resolver => true,
        }
    }
}
