function lambda = update_damping(lambda, rho, c)
% Levenberg-Marquardt rule; c holds the constants rho_low, rho_high, boost and drop.

if rho < c.rho_low || isnan(rho)
    lambda = lambda*c.boost;
elseif rho > c.rho_high
    lambda = lambda*c.drop;
end
end
