function c = default_constants(overrides)
% The constants which users of the published file edit, in one struct.
%
%   c = default_constants()            the published values
%   c = default_constants(overrides)   the same, with the fields of the struct OVERRIDES put in
%
% A field of OVERRIDES that is not listed here is refused.

c.precision = 'single';               % working precision: 'single' or 'double'
c.initlambda = 45;                    % initial Levenberg-Marquardt damping
c.autodamp = 1;                       % 1: add lambda*I to the curvature and adapt lambda
c.drop = 2/3;                         % lambda*drop after a good step
c.boost = [];                         % lambda*boost after a bad one; [] means 1/drop
c.rho_low = 0.25;                     % rho below it: boost
c.rho_high = 0.75;                    % rho above it: drop
c.maxiters = 250;                     % CG steps an epoch, at most
c.miniters = 1;                       % and at least
c.preconditioner_exponent = 3/4;
c.linesearch_c = 1e-2;                % fraction of the linear increase a step must reach
c.linesearch_factor = 0.8;            % rate is multiplied by it at each reduction
c.linesearch_max_reductions = 60;
c.checkpoint_period = 10;             % epochs between the checkpoints that are kept
c.mask_biases = 0;                    % 1: the weight cost leaves the biases alone
c.numconn = 15;                       % incoming weights of a unit in the sparse initialisation
c.initcoeff = 1;                      % and their standard deviation

if nargin > 0 && ~isempty(overrides)
    c = put_in(c, overrides);
end
if isempty(c.boost)
    c.boost = 1/c.drop;
end
if ~any(strcmp(c.precision, {'single', 'double'}))
    error('nnet_train_2:precision', 'precision: expected ''single'' or ''double'', got ''%s''.', c.precision);
end
end


function c = put_in(c, overrides)
names = fieldnames(overrides);
for k = 1:numel(names)
    if ~isfield(c, names{k})
        error('nnet_train_2:overrides', 'overrides: there is no constant called ''%s''.', names{k});
    end
    value = overrides.(names{k});
    if isnumeric(value) || islogical(value)
        value = double(value);
    end
    c.(names{k}) = value;
end
end
